//! Rule extensions as they are written behind a worker.

use std::fmt::{self, Display};

use crate::model::RuleExtensions;

/// `;name=value` for each one that says something.
impl Display for RuleExtensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reply_timeout,
            sticky_ignore,
            stateless,
            active,
            disabled,
            stopped,
            fail_on_status,
            use_server_errors,
            session_cookie,
            session_path,
            set_session_cookie,
            session_cookie_path,
            written: _,
        } = self;
        list(f, "active", active)?;
        list(f, "disabled", disabled)?;
        list(f, "stopped", stopped)?;
        list(f, "fail_on_status", fail_on_status)?;
        let millis = reply_timeout.map(|limit| limit.as_millis());
        one(f, "reply_timeout", millis.as_ref())?;
        one(f, "use_server_errors", use_server_errors.as_ref())?;
        flag(f, "stateless", *stateless)?;
        flag(f, "sticky_ignore", *sticky_ignore)?;
        one(f, "session_cookie", session_cookie.as_ref())?;
        one(f, "session_path", session_path.as_ref())?;
        flag(f, "set_session_cookie", *set_session_cookie)?;
        one(f, "session_cookie_path", session_cookie_path.as_ref())
    }
}

fn list(f: &mut fmt::Formatter<'_>, name: &str, items: &[impl Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        match index {
            0 => write!(f, ";{name}={item}")?,
            _ => write!(f, ",{item}")?,
        }
    }
    Ok(())
}

fn one(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&impl Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, ";{name}={value}"))
}

fn flag(f: &mut fmt::Formatter<'_>, name: &str, on: bool) -> fmt::Result {
    if on { write!(f, ";{name}=1") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            "",
            ";active=a,b;disabled=c;stopped=d;fail_on_status=404,-500",
            ";reply_timeout=0;use_server_errors=500;stateless=1;sticky_ignore=1",
            ";session_cookie=C;session_path=p;set_session_cookie=1;session_cookie_path=/x",
        ] {
            let (_, extensions) = parse(&format!("w{text}")[..], &mut |_| ());
            assert_eq!(extensions.to_string(), text);
        }
        let (_, extensions) = parse("w;stateless=2;stopped=b a;active=", &mut |_| ());
        assert_eq!(extensions.to_string(), ";stopped=b,a;stateless=1");
    }
}
