//! What is asked of a front end: the scenarios, as data.

/// One way to load a front end.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called on the command line and in results.
    pub name: &'static str,
    /// What it is called in tables.
    pub title: &'static str,
    /// Whether it needs a front end that knows sessions.
    pub sticky: bool,
    /// What is sent.
    pub plan: Plan,
}

/// Requests, and how they are spread over connections and time.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connections that send requests.
    pub connections: usize,
    /// Seconds that connections take to get going, before any warm-up.
    pub ramp: u8,
    /// Connections that have had one answer, and stay open.
    pub idle: usize,
    /// Requests a second, whatever becomes of them; `None`: each connection sends its next
    /// request when it has the answer.
    pub rate: Option<u32>,
    /// A new connection for each request.
    pub close: bool,
    /// Path of the synthetic backend.
    pub path: &'static str,
    /// More headers than the four that each request has.
    pub headers: &'static [(&'static str, &'static str)],
    /// Bytes of the body; a request that has some is a POST.
    pub body: usize,
    /// So many different sessions, in turn; 0: none.
    pub sessions: u32,
    /// Bytes of body that each answer must have.
    pub answer: u64,
}

const SMALL: Plan = Plan {
    connections: 64,
    ramp: 0,
    idle: 0,
    rate: None,
    close: false,
    path: "/bytes/128",
    headers: &[],
    body: 0,
    sessions: 0,
    answer: 128,
};

const fn scenario(name: &'static str, title: &'static str, plan: Plan) -> Scenario {
    let sticky = plan.sessions > 0;
    Scenario {
        name,
        title,
        sticky,
        plan,
    }
}

const fn small(name: &'static str, title: &'static str, connections: usize) -> Scenario {
    let plan = Plan {
        connections,
        ..SMALL
    };
    scenario(name, title, plan)
}

const fn get(
    name: &'static str,
    title: &'static str,
    connections: usize,
    path: &'static str,
    answer: u64,
) -> Scenario {
    let plan = Plan {
        connections,
        path,
        answer,
        ..SMALL
    };
    scenario(name, title, plan)
}

const fn post(
    name: &'static str,
    title: &'static str,
    connections: usize,
    body: usize,
    answer: u64,
) -> Scenario {
    let plan = Plan {
        connections,
        path: "/echo",
        body,
        answer,
        ..SMALL
    };
    scenario(name, title, plan)
}

/// All of them, in the order of the tables.
pub static SCENARIOS: [Scenario; 16] = [
    small("c1", "GET 128 B, 1 connection", 1),
    small("c16", "GET 128 B, 16 connections", 16),
    small("c64", "GET 128 B, 64 connections", 64),
    small("c256", "GET 128 B, 256 connections", 256),
    small("c1000", "GET 128 B, 1,000 connections", 1000),
    scenario(
        "rate",
        "GET 128 B, 5,000 requests/s",
        Plan {
            connections: 512,
            rate: Some(5000),
            ..SMALL
        },
    ),
    scenario(
        "headers",
        "GET 128 B, headers of a browser, 64 connections",
        Plan {
            headers: &BROWSER,
            ..SMALL
        },
    ),
    get(
        "get16k",
        "GET 16 KB, 64 connections",
        64,
        "/bytes/16384",
        16_384,
    ),
    get(
        "get1m",
        "GET 1 MB, 16 connections",
        16,
        "/bytes/1048576",
        1 << 20,
    ),
    get(
        "unsized64k",
        "GET 64 KB without length, 64 connections",
        64,
        "/unsized/65536",
        65_536,
    ),
    post("post8k", "POST 8 KB, 64 connections", 64, 8192, 4),
    post("post1m", "POST 1 MB, 16 connections", 16, 1 << 20, 7),
    scenario(
        "close",
        "GET 128 B, a new connection each, 64 at once",
        Plan {
            close: true,
            ..SMALL
        },
    ),
    scenario(
        "idle",
        "GET 128 B, 64 active and 5,000 idle connections",
        Plan {
            idle: 5000,
            ..SMALL
        },
    ),
    scenario(
        "slow",
        "2,000 requests of 200 ms at once",
        Plan {
            connections: 2000,
            ramp: 2,
            path: "/delay/200",
            ..SMALL
        },
    ),
    scenario(
        "sticky",
        "100,000 different sessions, 64 connections",
        Plan {
            path: "/route",
            sessions: 100_000,
            answer: 5,
            ..SMALL
        },
    ),
];

/// The scenario of that name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// What a browser sends with a click.
const BROWSER: [(&str, &str); 12] = [
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,*/*;q=0.8",
    ),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
    (
        "Cookie",
        "JSESSIONID=4BF1E6D20C7795A3E6D20C7795A34BF1; basket=17; consent=necessary; _pk_id=2f0c91d7a6b35e48.1751000000",
    ),
    ("DNT", "1"),
    ("Priority", "u=0, i"),
    (
        "Referer",
        "http://shop.example/catalogue/shoes?size=42&order=price&page=3",
    ),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-User", "?1"),
    ("Upgrade-Insecure-Requests", "1"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
        assert_eq!(find("post1m").unwrap().plan.body, 1 << 20);
        assert!(find("post2m").is_none());
    }

    #[test]
    fn an_echo_answers_with_the_length_in_digits() {
        for scenario in SCENARIOS.iter().filter(|scenario| scenario.plan.body > 0) {
            let digits = scenario.plan.body.to_string().len() as u64;
            assert_eq!(scenario.plan.answer, digits, "{}", scenario.name);
        }
    }
}
