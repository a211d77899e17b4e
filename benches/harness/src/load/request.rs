//! The bytes of requests.

use std::{borrow::Cow, fmt::Write, net::SocketAddr};

use crate::scenario::Plan;

/// Hexadecimal digits of a session's id.
const ID: usize = 32;

/// What each request of a plan looks like; the session apart they are all the same.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
    /// Where the session's id begins; behind it are a dot and the name of a node.
    session: Option<usize>,
}

impl Request {
    pub(super) fn new(address: SocketAddr, plan: &Plan) -> Self {
        let method = if plan.body > 0 { "POST" } else { "GET" };
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: {address}\r\n", plan.path);
        head.push_str("User-Agent: jkd-bench\r\n");
        if !plan.headers.iter().any(|(name, _)| *name == "Accept") {
            head.push_str("Accept: */*\r\n");
        }
        for (name, value) in plan.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if plan.close {
            head.push_str("Connection: close\r\n");
        }
        let session = (plan.sessions > 0).then(|| {
            head.push_str("Cookie: JSESSIONID=");
            let start = head.len();
            let _ = write!(head, "{:0ID$}.node1\r\n", 0);
            start
        });
        if plan.body > 0 {
            head.push_str("Content-Type: application/octet-stream\r\n");
            let _ = write!(head, "Content-Length: {}\r\n", plan.body);
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.resize(bytes.len() + plan.body, b'x');
        Self { bytes, session }
    }

    /// The bytes that a connection sends.
    pub(super) fn of_connection(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    /// Makes it a request of the session with this number, which belongs to one of two nodes.
    pub(super) fn put_session(&self, bytes: &mut [u8], number: u32) {
        let Some(start) = self.session else {
            return;
        };
        // Ids look random, as Tomcat's do, and none comes twice.
        let mut mixed =
            u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        for digit in &mut bytes[start..start + ID] {
            *digit = b"0123456789ABCDEF"[(mixed >> 124) as usize];
            mixed <<= 4;
        }
        bytes[start + ID + ".node".len()] = if number.is_multiple_of(2) { b'1' } else { b'2' };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::scenario;

    #[test]
    fn sessions_are_all_different() {
        let plan = scenario::find("sticky").unwrap().plan;
        let request = Request::new(([127, 0, 0, 1], 80).into(), &plan);
        let mut bytes = request.of_connection();
        let mut all = HashSet::new();
        for number in 0..plan.sessions {
            request.put_session(bytes.to_mut(), number);
            assert!(all.insert(bytes.to_vec()));
        }
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains(".node2\r\n"), "{text}");
        assert_eq!(text.matches("\r\n\r\n").count(), 1);
    }

    #[test]
    fn a_body_is_announced() {
        let plan = scenario::find("post8k").unwrap().plan;
        let request = Request::new(([127, 0, 0, 1], 80).into(), &plan);
        let text = String::from_utf8(request.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /echo HTTP/1.1\r\n") && body.len() == 8192);
        assert!(head.contains("Content-Length: 8192"));
    }
}
