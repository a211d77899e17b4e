//! Which host serves.

use super::memory::Memory;
use crate::{
    access::tests::allows,
    model::{ForwardUri, Host, Model},
    uri_map::EncodedSlashes,
};

mod inherited;

fn load(config: &str) -> Model {
    let config =
        format!("Listen 80\nListen 81\nJkWorkerProperty worker.list=w\nJkMount /* w\n{config}");
    Memory::new(&[("/etc/jk.conf", &*config)]).model()
}

fn name(host: &Host) -> &str {
    host.server_name.as_ref().map_or("-", |name| &name.name)
}

const HOSTS: &str = "
ServerName main.example
<VirtualHost *:80>
  ServerName one.example:80
  ServerAlias *.one.example uno
</VirtualHost>
<VirtualHost _default_:80>
  ServerName two.example
</VirtualHost>
<VirtualHost *>
  ServerName any.example
</VirtualHost>
<VirtualHost 192.0.2.7:80 [2001:db8::7]:80>
  ServerName seven.example
</VirtualHost>
<VirtualHost 192.0.2.7:*>
  ServerName seven-any.example
</VirtualHost>
<VirtualHost 192.0.2.7:80>
  ServerName seven-two.example
</VirtualHost>
";

#[test]
fn hosts_are_chosen_by_address_then_by_name() {
    let model = load(HOSTS);
    for (local, header, expected) in [
        ("192.0.2.1:80", None, "one.example"),
        ("192.0.2.1:80", Some("nobody.example"), "one.example"),
        ("192.0.2.1:80", Some("TWO.example:80"), "two.example"),
        ("192.0.2.1:80", Some("two.example."), "two.example"),
        ("192.0.2.1:80", Some("a.b.One.example"), "one.example"),
        ("192.0.2.1:80", Some("UNO"), "one.example"),
        ("192.0.2.1:80", Some("any.example"), "one.example"),
        ("192.0.2.1:81", Some("one.example"), "any.example"),
        ("192.0.2.7:80", None, "seven.example"),
        (
            "192.0.2.7:80",
            Some("seven-two.example"),
            "seven-two.example",
        ),
        ("192.0.2.7:80", Some("one.example"), "seven.example"),
        ("192.0.2.7:81", None, "seven-any.example"),
        ("[::ffff:192.0.2.7]:81", None, "seven-any.example"),
        (
            "[2001:db8::7]:80",
            Some("seven-two.example"),
            "seven.example",
        ),
        (
            "[2001:db8::7]:80",
            Some("[2001:db8::7]:80"),
            "seven.example",
        ),
    ] {
        let host = model.host_for(local.parse().unwrap(), header);
        assert_eq!(name(host), expected, "{local} {header:?}");
    }
}

#[test]
fn without_a_fitting_host_the_main_server_serves() {
    let model = load("ServerName main\n<VirtualHost 192.0.2.7:80>\nServerName a\n</VirtualHost>");
    let host = |local: &str| name(model.host_for(local.parse().unwrap(), Some("a"))).to_owned();
    assert_eq!(host("192.0.2.1:80"), "main");
    assert_eq!(host("192.0.2.7:81"), "main");
    assert_eq!(host("192.0.2.7:80"), "a");
}

#[test]
fn an_address_of_the_command_line_stands_for_a_port_of_the_files() {
    let conf = "Listen 80\nListen 443\n<VirtualHost *:80>\nServerName plain\n</VirtualHost>\n\
                <VirtualHost *:443>\nServerName tls\n</VirtualHost>\n";
    let load = |listen: &[&str]| {
        let options = crate::LoadOptions {
            config: Some("/etc/jk.conf".into()),
            listen: listen.iter().map(|text| (*text).to_owned()).collect(),
            ..crate::LoadOptions::default()
        };
        crate::load_with(&options, &Memory::new(&[("/etc/jk.conf", conf)]))
    };
    let loaded = load(&["8080=80", "[::1]:8443=443"]);
    let model = loaded.model.unwrap();
    let host = |local: &str| name(model.host_for(local.parse().unwrap(), None)).to_owned();
    assert_eq!(host("192.0.2.1:8080"), "plain");
    assert_eq!(host("[::1]:8443"), "tls");
    assert_eq!(host("192.0.2.1:8081"), "-");
    assert!(!loaded.diagnostics.to_string().contains("never used"));
    // A port that the system chooses is any that is not written.
    let model = load(&["127.0.0.1:0=443"]).model.unwrap();
    assert_eq!(
        name(model.host_for("127.0.0.1:4711".parse().unwrap(), None)),
        "tls"
    );
    let found = load(&["8080", "8081=0"]).diagnostics.to_string();
    assert!(found.contains("--listen ADDRESS:PORT=80"), "{found}");
    assert!(
        found.contains("--listen: error: 8081=0: `0` is not a port"),
        "{found}"
    );
}

#[test]
fn names_and_ports_come_from_the_main_server() {
    let model = load(
        "<VirtualHost *>\n</VirtualHost>
         ServerName https://main.example:81
         <VirtualHost 192.0.2.7>\n</VirtualHost>
         <VirtualHost *>\n</VirtualHost>
         <VirtualHost 192.0.2.7 *:80>\n</VirtualHost>",
    );
    let main = model.hosts[0].server_name.as_ref().unwrap();
    assert_eq!(
        (main.scheme.as_deref(), main.port),
        (Some("https"), Some(81))
    );
    let hosts: Vec<_> = model
        .hosts
        .iter()
        .map(|h| (name(h), h.addresses.clone()))
        .collect();
    assert_eq!(hosts[1], ("main.example", vec![(None, None)]));
    assert_eq!(
        hosts[2],
        ("-", vec![(Some("192.0.2.7".parse().unwrap()), Some(81))])
    );
    assert_eq!(hosts[3], ("main.example", vec![(None, Some(81))]));
    assert_eq!(hosts[4].0, "main.example");
}
