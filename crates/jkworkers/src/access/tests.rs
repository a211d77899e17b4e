use super::*;
use crate::{
    load::memory::Memory,
    model::{Asked, Host},
};

/// A client about whom everything is known.
#[derive(Clone, Copy)]
struct Known {
    address: &'static str,
    method: &'static str,
    variables: &'static [&'static str],
    user: Option<&'static str>,
    groups: &'static [&'static str],
    name: Option<&'static str>,
}

const NOBODY: Known = Known {
    address: "192.0.2.9",
    method: "GET",
    variables: &[],
    user: None,
    groups: &[],
    name: None,
};

impl Client for Known {
    fn address(&self) -> IpAddr {
        self.address.parse().unwrap()
    }

    fn local(&self) -> IpAddr {
        "192.0.2.1".parse().unwrap()
    }

    fn method(&self) -> &str {
        self.method
    }

    fn meets(&self, expression: &Expression) -> Result<bool, Unknown> {
        Ok(expression.text() == "true")
    }

    fn fill(&self, text: &Text) -> Vec<u8> {
        text.constant().unwrap_or(b"made 'of words'").to_vec()
    }

    fn has_variable(&self, name: &str) -> bool {
        self.variables.contains(&name)
    }

    fn user(&self) -> Option<&[u8]> {
        self.user.map(str::as_bytes)
    }

    fn is_member(&self, group: &str) -> Result<bool, Unknown> {
        Ok(self.groups.contains(&group))
    }

    fn name(&self) -> Result<Option<&str>, Unknown> {
        Ok(self.name)
    }

    fn is_called(&self, name: &str) -> Result<bool, Unknown> {
        match name {
            "unknown" => Err(Unknown::Addresses(name.to_owned())),
            name => Ok(self.name == Some(name)),
        }
    }
}

/// Whether a client without a user may come in.
pub(crate) fn allows(host: &Host, path: &str, address: &'static str) -> bool {
    steps(host, path, from(address))[0] == Allowed
}

fn host(config: &str) -> Host {
    let config = format!("Listen 80\nJkWorkerProperty worker.list=w\nJkMount /* w\n{config}");
    let model = Memory::new(&[("/etc/jk.conf", &*config)]).model();
    model.hosts.into_iter().next().unwrap()
}

fn steps(host: &Host, path: &str, client: Known) -> [Step; 2] {
    let Some(policy) = Policy::about(host, Asked::at(path.as_bytes())) else {
        return [Allowed; 2];
    };
    let without = Known {
        user: None,
        groups: &[],
        ..client
    };
    [
        policy.before(&without).unwrap(),
        policy.after(&client).unwrap(),
    ]
}

/// What a client without a user gets in one location.
fn first(inside: &str, client: Known) -> Step {
    let host = host(&format!("<Location /x>\n{inside}\n</Location>"));
    steps(&host, "/x", client)[0]
}

fn from(address: &'static str) -> Known {
    Known { address, ..NOBODY }
}

fn using(method: &'static str, address: &'static str) -> Known {
    Known {
        address,
        method,
        ..NOBODY
    }
}

fn by(user: &'static str, groups: &'static [&'static str]) -> Known {
    Known {
        user: Some(user),
        groups,
        ..NOBODY
    }
}

use Step::{Allowed, Authenticate, Forbidden, Misconfigured, Unauthorized};

#[test]
fn order_decides_as_in_the_manual() {
    let deny_allow = "Order deny,allow\nDeny from all\nAllow from 10.1";
    assert_eq!(first(deny_allow, from("10.1.0.1")), Allowed);
    assert_eq!(first(deny_allow, from("10.2.0.1")), Forbidden);
    let allow_deny = "Order allow,deny\nDeny from 10.1.2\nAllow from 10.1";
    assert_eq!(first(allow_deny, from("10.1.0.1")), Allowed);
    assert_eq!(first(allow_deny, from("10.1.2.1")), Forbidden);
    assert_eq!(first(allow_deny, from("10.2.0.1")), Forbidden);
    assert_eq!(first("Order deny,allow", NOBODY), Allowed);
    assert_eq!(first("Order allow,deny", NOBODY), Forbidden);
    assert_eq!(first("Order mutual-failure", NOBODY), Forbidden);
}

#[test]
fn order_knows_names_and_variables() {
    let let_in = Known {
        variables: &["in"],
        ..NOBODY
    };
    let named = |name| Known {
        name: Some(name),
        ..NOBODY
    };
    let env = "Order deny,allow\nDeny from all\nAllow from env=in";
    assert_eq!(first(env, NOBODY), Forbidden);
    assert_eq!(first(env, let_in), Allowed);
    let not_env = "Order deny,allow\nDeny from env=!in";
    assert_eq!(first(not_env, NOBODY), Forbidden);
    assert_eq!(first(not_env, let_in), Allowed);
    let hosts = "Order deny,allow\nDeny from all\nAllow from example.com .example.net";
    for (name, expected) in [
        ("example.com", Allowed),
        ("a.EXAMPLE.com", Allowed),
        ("badexample.com", Forbidden),
        ("example.net", Forbidden),
        ("a.example.net", Allowed),
        ("com", Forbidden),
    ] {
        assert_eq!(first(hosts, named(name)), expected, "{name}");
    }
    assert_eq!(first(hosts, NOBODY), Forbidden);
}

#[test]
fn requirements_have_three_values() {
    let any = "Require ip 10.1\nRequire ip 10.2 10.3\nRequire ip 10.9.0.7/255.0.0.255";
    for (address, expected) in [
        ("10.1.0.1", Allowed),
        ("10.3.0.1", Allowed),
        ("10.4.0.1", Forbidden),
        ("::ffff:10.3.0.1", Allowed),
        ("10.4.0.7", Allowed),
        ("::1", Forbidden),
    ] {
        assert_eq!(first(any, from(address)), expected, "{address}");
    }
    let all = "<RequireAll>\nRequire ip 10\nRequire not ip 10.9\n</RequireAll>";
    let none = "<RequireAll>\nRequire ip 10\n<RequireNone>\nRequire ip 10.9\n</RequireNone>\n</RequireAll>";
    for rules in [all, none] {
        assert_eq!(first(rules, from("10.1.0.1")), Allowed, "{rules}");
        assert_eq!(first(rules, from("10.9.0.1")), Forbidden, "{rules}");
        assert_eq!(first(rules, from("11.0.0.1")), Forbidden, "{rules}");
    }
}

#[test]
fn all_denied_and_local() {
    assert_eq!(first("Require all denied", from("127.0.0.1")), Forbidden);
    for (client, expected) in [
        ("127.8.0.1", Allowed),
        ("::1", Allowed),
        ("192.0.2.1", Allowed),
        ("::ffff:127.0.0.1", Allowed),
        ("192.0.2.2", Forbidden),
    ] {
        assert_eq!(first("Require local", from(client)), expected, "{client}");
    }
}

#[test]
fn names_methods_and_variables() {
    let named = Known {
        name: Some("a.example.com"),
        variables: &["b"],
        ..NOBODY
    };
    for (rules, expected) in [
        ("Require host example.com", Allowed),
        ("Require host x.example.com", Forbidden),
        ("Require host", Forbidden),
        ("Require forward-dns b a.example.com", Allowed),
        ("Require forward-dns b", Forbidden),
        ("Require method POST HEAD", Allowed),
        ("Require method POST", Forbidden),
        ("Require env a b", Allowed),
        ("Require env a", Forbidden),
    ] {
        assert_eq!(first(rules, named), expected, "{rules}");
    }
    assert_eq!(first("Require host example.com", NOBODY), Forbidden);
    let config = "<Location />\nRequire forward-dns unknown\n</Location>";
    let host = host(config);
    let policy = Policy::about(&host, Asked::at(b"/")).unwrap();
    let unknown = Unknown::Addresses("unknown".into());
    assert_eq!(policy.before(&NOBODY), Err(unknown));
}

#[test]
fn limits_are_for_their_methods() {
    let limit = "<Limit POST PUT>\nRequire ip 10\n</Limit>";
    let except = "<LimitExcept GET>\nRequire ip 10\n</LimitExcept>";
    let within =
        "<RequireAll>\nRequire all granted\n<Limit POST>\nRequire ip 10\n</Limit>\n</RequireAll>";
    let order = "<Limit POST>\nOrder deny,allow\nDeny from all\nAllow from 10\n</Limit>";
    for rules in [limit, except, within, order] {
        for (method, address, expected) in [
            ("GET", "11.0.0.1", Allowed),
            ("HEAD", "11.0.0.1", Allowed),
            ("POST", "10.0.0.1", Allowed),
            ("POST", "11.0.0.1", Forbidden),
        ] {
            let step = first(rules, using(method, address));
            assert_eq!(step, expected, "{rules} {method} {address}");
        }
    }
    let both = "<Limit POST>\nRequire ip 10\n</Limit>\nRequire ip 11";
    assert_eq!(first(both, using("GET", "10.0.0.1")), Forbidden);
    assert_eq!(first(both, using("POST", "10.0.0.1")), Allowed);
    let nested = "<LimitExcept GET>\n<Limit GET POST>\nRequire ip 10\n</Limit>\n</LimitExcept>";
    assert_eq!(first(nested, using("GET", "11.0.0.1")), Allowed);
    assert_eq!(first(nested, using("POST", "11.0.0.1")), Forbidden);
    assert_eq!(first(nested, using("PUT", "11.0.0.1")), Allowed);
}

#[test]
fn sections_merge_as_auth_merging_says() {
    let host = host(
        "<Location /a>\nRequire ip 10.2\n</Location>
         <Location /a/off>\nAuthMerging Off\n</Location>
         <Location /a/and>\nAuthMerging And\nRequire ip 10.2.0 10.3\n</Location>
         <Location /a/or>\nAuthMerging Or\nRequire ip 10.3\n</Location>
         <Location /a/or/and>\nAuthMerging And\nRequire ip 10.3 10.4\n</Location>
         <Location /a/nothing>\nAuthMerging And\n</Location>
         <Location /a/plain>\nRequire ip 10.4\n</Location>
         <Location /b/and>\nAuthMerging And\nRequire ip 10.3\n</Location>",
    );
    for (path, expected) in [
        ("/a", [false, true, false, false]),
        ("/a/off", [true; 4]),
        ("/a/and", [false, true, false, false]),
        ("/a/or", [false, true, true, false]),
        ("/a/or/and", [false, false, true, false]),
        ("/a/nothing", [false, true, false, false]),
        ("/a/plain", [false, false, false, true]),
        ("/b/and", [false, false, true, false]),
    ] {
        let clients = ["10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"];
        let found = clients.map(|client| steps(&host, path, from(client))[0] == Allowed);
        assert_eq!(found, expected, "{path}");
    }
}

/// The rules, and what follows: before a user is known, for tim, and for ann.
#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn users_are_asked_only_where_it_helps() {
    let basic = "AuthType Basic\nAuthName x\nAuthUserFile u\n";
    for (rules, expected) in [
        ("Require valid-user", [Authenticate, Allowed, Allowed]),
        (
            "Require user tim \"b c\"",
            [Authenticate, Allowed, Unauthorized],
        ),
        ("Require user", [Authenticate, Unauthorized, Unauthorized]),
        ("Require group a b", [Authenticate, Allowed, Unauthorized]),
        ("Require all granted\nRequire user tim", [Allowed; 3]),
        (
            "Require all denied",
            [Forbidden, Unauthorized, Unauthorized],
        ),
        (
            "Require user tim\nAuthzSendForbiddenOnFailure On",
            [Authenticate, Allowed, Forbidden],
        ),
        (
            "Require ip 10\nRequire user tim",
            [Authenticate, Allowed, Unauthorized],
        ),
        (
            "<RequireAll>\nRequire ip 10\nRequire user tim\n</RequireAll>",
            [Forbidden, Unauthorized, Unauthorized],
        ),
        (
            "<RequireAll>\nRequire user tim\nRequire ip 10\n</RequireAll>",
            [Forbidden, Unauthorized, Unauthorized],
        ),
        (
            "<RequireAll>\nRequire valid-user\nRequire not user tim\n</RequireAll>",
            [Authenticate, Unauthorized, Allowed],
        ),
        (
            "<RequireAll>\nRequire all granted\nRequire not user tim\n</RequireAll>",
            [Allowed, Unauthorized, Allowed],
        ),
        ("", [Misconfigured, Unauthorized, Unauthorized]),
        (
            "Satisfy Any\nOrder deny,allow\nDeny from all\nRequire user tim",
            [Authenticate, Allowed, Unauthorized],
        ),
        (
            "Satisfy Any\nRequire user tim",
            [Allowed, Allowed, Unauthorized],
        ),
        (
            "Satisfy Any\nOrder deny,allow\nDeny from all\nRequire ip 10",
            [Forbidden, Unauthorized, Unauthorized],
        ),
        (
            "Order deny,allow\nDeny from all\nRequire user tim",
            [Forbidden, Allowed, Unauthorized],
        ),
    ] {
        let host = host(&format!("<Location /x>\n{basic}{rules}\n</Location>"));
        let [before, tim] = steps(&host, "/x", by("tim", &["b"]));
        let [_, ann] = steps(&host, "/x", by("ann", &["c"]));
        assert_eq!([before, tim, ann], expected, "{rules}");
    }
}

#[test]
fn authentication_is_merged_word_by_word() {
    let host = host(
        "<Location /a>\nAuthType basiC\nAuthName one\nAuthUserFile u\nRequire valid-user\n</Location>
         <Location /a/b>\nAuthName two\nAuthGroupFile g\nAuthBasicAuthoritative Off\n</Location>
         <Location /a/c>\nAuthType None\nRequire all granted\n</Location>",
    );
    let about = |path: &'static [u8]| Policy::about(&host, Asked::at(path)).unwrap();
    let of = |policy: &Policy<'_>| {
        let kind = policy.auth_type().map(ToString::to_string);
        let file = policy.user_file().map(|file| file.display().to_string());
        format!(
            "{kind:?} {:?} {file:?} {}",
            policy.realm(),
            policy.is_authoritative()
        )
    };
    let a = r#"Some("basiC") Some("one") Some("/etc/u") true"#;
    assert_eq!(of(&about(b"/a")), a);
    let b = r#"Some("basiC") Some("two") Some("/etc/u") false"#;
    assert_eq!(of(&about(b"/a/b")), b);
    assert_eq!(about(b"/a/c").auth_type(), None);
    assert_eq!(about(b"/a/b").group_file(), Some("/etc/g".as_ref()));
    assert!(Policy::about(&host, Asked::at(b"/")).is_none());
}

/// What sections about files say counts where there is a file.
#[test]
fn sections_are_applied_in_httpds_order() {
    let host = host(
        "<Location /open>\nRequire all granted\n</Location>
         <Files ~ \"\\.bak$\">\nRequire all denied\n</Files>
         <Directory /srv/www/sub/deep>\nRequire all granted\n<Files a.txt>\nRequire all granted\n</Files>\n</Directory>
         <Directory /srv/www/s*>\nRequire all denied\n<Files a.txt>\nRequire all denied\n</Files>\n</Directory>
         <DirectoryMatch /never/>\nRequire all denied\n</DirectoryMatch>
         <Directory />\nRequire all denied\n</Directory>
         <Directory /srv/www/>\nRequire all granted\n</Directory>
         <Directory /srv/www/sub/never/more>\nRequire all granted\n</Directory>",
    );
    for (file, is_directory, path, expected) in [
        (None, false, "/a", Allowed),
        (Some("/etc/passwd"), false, "/x", Forbidden),
        (Some("/srv/www/a"), false, "/a", Allowed),
        (Some("/srv/www/"), true, "/", Allowed),
        (Some("/srv/www"), true, "/", Allowed),
        (Some("/srv/www"), false, "/", Forbidden),
        (Some("/srv/wwwx/a"), false, "/", Forbidden),
        (Some("/srv/www/a.bak"), false, "/a.bak", Forbidden),
        (Some("/srv/www/a.bak"), false, "/open/a.bak", Allowed),
        (Some("/srv/www/sub"), true, "/sub", Forbidden),
        (Some("/srv/www/s"), false, "/s", Allowed),
        (Some("/srv/www/sub/b"), false, "/sub/b", Forbidden),
        (Some("/srv/www/sub/deep/b"), false, "/b", Allowed),
        (Some("/srv/www/sub/deep/a.txt"), false, "/b", Allowed),
        (Some("/srv/www/sub/deeper/a.txt"), false, "/b", Forbidden),
        (Some("/srv/www/sub/never/more/x"), false, "/b", Forbidden),
    ] {
        let asked = Asked {
            file: file.map(str::as_bytes),
            is_directory,
            ..Asked::at(path.as_bytes())
        };
        let policy = Policy::about(&host, asked);
        let step = policy.map_or(Allowed, |policy| policy.before(&NOBODY).unwrap());
        assert_eq!(step, expected, "{file:?} {path}");
    }
}
