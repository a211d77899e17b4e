//! What a rule does besides: variables, cookies, types.

use super::{Request, Unknown, engine::Run, expand::Found, rule::RewriteRule};

/// `CO`: a cookie for the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// Which hosts get it back.
    pub domain: Vec<u8>,
    /// How long it lasts, minutes. `None`: as long as the browser runs.
    pub minutes: Option<i64>,
    /// Which paths get it back.
    pub path: Option<Vec<u8>>,
    /// Only over TLS.
    pub is_secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// `SameSite`
    pub same_site: Option<Vec<u8>>,
}

impl Cookie {
    /// `NAME:VALUE:DOMAIN[:minutes[:path[:secure[:httponly[:samesite]]]]]`; with a `;` first they
    /// are what separates. Empty parts are no parts. `None`: something is missing.
    fn new(text: &[u8]) -> Option<Self> {
        let (separator, text) = match text.strip_prefix(b";") {
            Some(rest) => (b';', rest),
            None => (b':', text),
        };
        let parts = text.split(|&b| b == separator);
        let mut parts = parts.filter(|part| !part.is_empty());
        let (name, value, domain) = (parts.next()?, parts.next()?, parts.next()?);
        let minutes = parts.next().map(super::number_of);
        let path = parts.next();
        let is = |part: Option<&[u8]>, word: &str| {
            part.is_some_and(|part| {
                part == b"1"
                    || [word, "true"]
                        .iter()
                        .any(|w| part.eq_ignore_ascii_case(w.as_bytes()))
            })
        };
        let is_secure = is(parts.next(), "secure");
        let http_only = is(parts.next(), "HttpOnly");
        let same_site = parts.next();
        let same_site = same_site.filter(|s| *s != b"0" && !s.eq_ignore_ascii_case(b"false"));
        Some(Self {
            name: name.to_vec(),
            value: value.to_vec(),
            domain: domain.to_vec(),
            minutes: minutes.filter(|minutes| *minutes != 0),
            path: path.map(<[u8]>::to_vec),
            is_secure,
            http_only,
            same_site: same_site.map(<[u8]>::to_vec),
        })
    }

    /// The value of `Set-Cookie`; `expires` is the time of its end as httpd writes it.
    pub fn text(&self, expires: Option<&str>) -> Vec<u8> {
        let mut text = [&*self.name, b"=", &self.value, b"; path="].concat();
        text.extend_from_slice(self.path.as_deref().unwrap_or(b"/"));
        text.extend_from_slice(b"; domain=");
        text.extend_from_slice(&self.domain);
        if let Some(expires) = expires {
            text.extend_from_slice(b"; expires=");
            text.extend_from_slice(expires.as_bytes());
        }
        if self.is_secure {
            text.extend_from_slice(b"; secure");
        }
        if self.http_only {
            text.extend_from_slice(b"; HttpOnly");
        }
        if let Some(same_site) = &self.same_site {
            text.extend_from_slice(b"; SameSite=");
            text.extend_from_slice(same_site);
        }
        text
    }
}

impl<R: Request> Run<'_, R> {
    /// `E`, `CO`.
    pub(super) fn leave_marks(&mut self, rule: &RewriteRule) -> Result<(), Unknown> {
        for text in &rule.flags.variables {
            let text = self.expand(text, None)?.text;
            self.text += text.len();
            self.set_variable(&text);
        }
        for text in &rule.flags.cookies {
            let text = self.expand(text, None)?.text;
            self.text += text.len();
            self.result.cookies.extend(Cookie::new(&text));
        }
        Ok(())
    }

    /// `T`, `H`
    pub(super) fn force(&mut self, rule: &RewriteRule) -> Result<(), Unknown> {
        let flags = &rule.flags;
        self.result.handler = flags.handler.or(self.result.handler);
        if let Some(text) = &flags.kind {
            let kind = self.expand(text, flags.escape.as_ref())?.text;
            if !kind.is_empty() {
                self.result.kind = Some(kind.to_ascii_lowercase());
            }
        }
        Ok(())
    }

    fn set_variable(&mut self, text: &[u8]) {
        let (name, value) = match text.strip_prefix(b"!") {
            Some(name) => (name, None),
            None => match text.iter().position(|&b| b == b':') {
                Some(colon) => {
                    let (name, value) = text.split_at(colon);
                    (name, Some(value.get(1..).unwrap_or_default().to_vec()))
                }
                None => (text, Some(Vec::new())),
            },
        };
        let name = String::from_utf8_lossy(name).into_owned();
        self.result.variables.push((name, value));
    }

    /// What expressions have found for a rule: nothing yet.
    pub(super) fn begin_rule(&mut self, by_rule: Option<Found>) {
        self.by_rule = by_rule.unwrap_or_default();
        self.by_condition = Found::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_what_browsers_read() {
        for (text, expected) in [
            ("a:b:.x.example", Some("a=b; path=/; domain=.x.example")),
            (
                "a:b:x:0:/p:1:true:Lax",
                Some("a=b; path=/p; domain=x; secure; HttpOnly; SameSite=Lax"),
            ),
            (";a;b:c;x;;/p", Some("a=b:c; path=/; domain=x")),
            ("a:b:x:0:/:0:0:0", Some("a=b; path=/; domain=x")),
            ("a:b", None),
            ("", None),
        ] {
            let cookie = Cookie::new(text.as_bytes());
            let cookie = cookie.map(|cookie| cookie.text(None));
            assert_eq!(cookie.as_deref(), expected.map(str::as_bytes), "{text}");
        }
        let cookie = Cookie::new(b"a:b:x:30").unwrap();
        assert_eq!(cookie.minutes, Some(30));
        let text = cookie.text(Some("Sun, 13-Sep-2020 12:26:40 GMT"));
        assert!(text.ends_with(b"; expires=Sun, 13-Sep-2020 12:26:40 GMT"));
    }
}
