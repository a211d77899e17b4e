//! Which host serves, what it inherits, and who may come in.

use super::memory::Memory;
use crate::{
    access::tests::allows,
    model::{ForwardUri, Host, Model},
    uri_map::EncodedSlashes,
};

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

#[test]
fn access_is_merged_as_httpd_does() {
    let model = load(
        "<Location />\n Require ip 10\n</Location>
         <Location /open>\n Require all granted\n</Location>
         <Location /open/old/>\n Order deny,allow\n Deny from 10.9\n</Location>
         <Location /*/glob>\n Require all denied\n</Location>
         <Location /mixed>
           <RequireAll>
             Require all granted
             <RequireNone>\n Require ip 10.1\n Require local\n </RequireNone>
           </RequireAll>
         </Location>
         <VirtualHost *:81>
           <Location /open>\n Require ip 10.2.0.0/16 10.3.0.0/255.255.0.0\n </Location>
         </VirtualHost>",
    );
    for (host, path, client, expected) in [
        (0, "/", "10.1.1.1", true),
        (0, "/", "11.1.1.1", false),
        (0, "/open", "11.1.1.1", true),
        (0, "/opened", "11.1.1.1", false),
        (0, "/open/x", "10.9.1.1", true),
        (0, "/open/old", "10.9.1.1", true),
        (0, "/open/old/x", "10.9.1.1", false),
        (0, "/open/old/x", "11.1.1.1", true),
        (0, "/a/glob", "10.1.1.1", false),
        (0, "/a/b/glob", "10.1.1.1", true),
        (0, "/a/glob/x", "10.1.1.1", true),
        (0, "/mixed", "10.1.1.1", false),
        (0, "/mixed", "127.0.0.1", false),
        (0, "/mixed", "12.1.1.1", true),
        (1, "/", "11.1.1.1", false),
        (1, "/open", "11.1.1.1", false),
        (1, "/open", "10.3.1.1", true),
        (1, "/open/old/x", "10.9.1.1", false),
    ] {
        let allowed = allows(&model.hosts[host], path, client);
        assert_eq!(allowed, expected, "{host} {path} {client}");
    }
}

#[test]
fn merging_of_slashes_is_inherited_and_encoded_slashes_are_not() {
    let model = load(
        "AllowEncodedSlashes On\nMergeSlashes Off\n
         <VirtualHost *>\n</VirtualHost>
         <VirtualHost *>\nAllowEncodedSlashes NoDecode\nMergeSlashes On\n</VirtualHost>",
    );
    let rules = model.hosts.iter().map(|host| host.uri_rules);
    let found: Vec<_> = rules
        .map(|r| (r.encoded_slashes, r.merge_slashes))
        .collect();
    let expected = [
        (EncodedSlashes::Decode, false),
        (EncodedSlashes::Refuse, false),
        (EncodedSlashes::Keep, true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_limit_of_requests_is_inherited_and_can_be_lifted() {
    let limits = |text: &str| -> Vec<_> {
        let limit = |host: &Host| host.request_timeout.map(|limit| limit.as_millis());
        load(text).hosts.iter().map(limit).collect()
    };
    assert_eq!(limits(""), [None]);
    let found = limits(
        "JkdRequestTimeout 30\n
         <VirtualHost *>\n</VirtualHost>
         <VirtualHost *>\nJkdRequestTimeout 1500MS\n</VirtualHost>
         <VirtualHost *>\nJkdRequestTimeout 2s\n</VirtualHost>
         <VirtualHost *>\nJkdRequestTimeout 0\n</VirtualHost>",
    );
    assert_eq!(
        found,
        [Some(30_000), Some(30_000), Some(1500), Some(2000), None]
    );
}

#[test]
fn the_last_forward_uri_option_counts_and_is_inherited() {
    let model = load(
        "
JkOptions +ForwardURIEscaped forwarduricompat
<VirtualHost *>
  ServerName inherits
</VirtualHost>
<VirtualHost *>
  ServerName own
  JkOptions +ForwardURICompatUnparsed +ForwardURIProxy
  JkOptions ForwardURIEscaped
</VirtualHost>
<VirtualHost *>
  ServerName back
  JkOptions +ForwardURIProxy
</VirtualHost>
",
    );
    let options: Vec<_> = model.hosts.iter().map(|host| host.forward_uri).collect();
    let expected = [
        ForwardUri::Compat,
        ForwardUri::Compat,
        ForwardUri::Escaped,
        ForwardUri::Proxy,
    ];
    assert_eq!(options, expected);
    assert_eq!(load("").hosts[0].forward_uri, ForwardUri::Proxy);
    let model = load("JkOptions +ForwardURICompatUnparsed\n");
    assert_eq!(model.hosts[0].forward_uri, ForwardUri::CompatUnparsed);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn options_are_merged_as_bits() {
    let options = |main: &str, own: &str| {
        let model = load(&format!(
            "JkOptions {main}\n<VirtualHost *>\nJkOptions {own}\n</VirtualHost>\n"
        ));
        let words = model
            .hosts
            .iter()
            .map(|host| host.options.written().join(" "));
        words.collect::<Vec<_>>().join(" | ")
    };
    for (main, own, expected) in [
        (
            "+FlushPackets FlushHeader",
            "+DisableReuse",
            "+FlushPackets +FlushHeader | +DisableReuse +FlushPackets +FlushHeader",
        ),
        (
            "-FlushPackets +FlushPackets",
            "flushpackets",
            " | +FlushPackets",
        ),
        (
            "+FlushPackets",
            "-FlushPackets +FlushPackets",
            "+FlushPackets | ",
        ),
        (
            "-ForwardKeySize",
            "+ForwardDirectories",
            "-ForwardKeySize | +ForwardDirectories -ForwardKeySize",
        ),
        ("-ForwardKeySize", "+ForwardKeySize", "-ForwardKeySize | "),
        (
            "+ForwardSSLCertChain",
            "-ForwardSSLCertChain",
            "+ForwardSSLCertChain | ",
        ),
        (
            "+ForwardLocalAddress ForwardPhysicalAddress",
            "+ForwardLocalAddress",
            "+ForwardPhysicalAddress | +ForwardLocalAddress",
        ),
        (
            "+ForwardLocalAddress",
            "+ForwardPhysicalAddress",
            "+ForwardLocalAddress | +ForwardLocalAddress",
        ),
        (
            "+ForwardPhysicalAddress -ForwardLocalAddress",
            "-ForwardPhysicalAddress",
            " | ",
        ),
    ] {
        assert_eq!(options(main, own), expected, "{main} | {own}");
    }
}

#[test]
fn map_files_and_their_interval_are_inherited_as_mounts_are() {
    let files = [
        (
            "/etc/jk.conf",
            "Listen 80\nJkWorkerProperty worker.list=w\nJkMountFile main\nJkMountFileReload 7\n\
             <VirtualHost *:80>\nJkMountCopy On\n</VirtualHost>\n\
             <VirtualHost *:80>\nJkMountCopy On\nJkMount /x w\nJkMountFileReload 0\n</VirtualHost>\n\
             <VirtualHost *:80>\nJkMountCopy On\nJkMountFile own\nJkMountFileReload -1\n</VirtualHost>\n\
             <VirtualHost *:80>\nJkMountFile own\nJkMountFileReload 3\n</VirtualHost>\n\
             <VirtualHost *:80>\nJkMount /x w\n</VirtualHost>\n",
        ),
        ("/etc/main", "/main=w\n"),
        ("/etc/own", "/own=w\n"),
    ];
    let model = Memory::new(&files).load().model.unwrap();
    let of = |host: &Host| {
        let files: Vec<_> = host.mount_files.iter().map(|f| f.display()).collect();
        let files = files.iter().map(ToString::to_string).collect::<Vec<_>>();
        (files.join(" "), host.mount_file_reload.map(|d| d.as_secs()))
    };
    let hosts: Vec<_> = model.hosts.iter().map(of).collect();
    let expected = [
        ("/etc/main", Some(7)),
        ("/etc/main", Some(7)),
        ("/etc/main", None),
        ("/etc/own", None),
        ("/etc/own", Some(3)),
        ("", Some(7)),
    ];
    assert_eq!(
        hosts,
        expected.map(|(files, seconds)| (files.to_owned(), seconds))
    );
    // What `main` says, and what is in force where nothing is written.
    assert_eq!(
        load("").hosts[0].mount_file_reload.map(|d| d.as_secs()),
        Some(60)
    );
}

#[test]
fn files_are_inherited_with_mounts_and_session_names_always() {
    let model = load(
        "
JkAutoAlias /srv/webapps
JkStripSession On
<VirtualHost *>
  ServerName plain
</VirtualHost>
<VirtualHost *>
  ServerName copies
  JkMountCopy On
  JkStripSession Off
</VirtualHost>
<VirtualHost *>
  ServerName own
  JkMountCopy On
  JkAutoAlias htdocs
  JkStripSession on ;sid
</VirtualHost>
",
    );
    let found = model.hosts.iter().map(|host| {
        let directory = host.auto_alias.as_ref().map(|path| path.to_str().unwrap());
        (directory, host.strip_session.as_deref())
    });
    let expected = [
        (Some("/srv/webapps"), Some(";jsessionid")),
        (None, Some(";jsessionid")),
        (Some("/srv/webapps"), None),
        (Some("/etc/htdocs"), Some(";sid")),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn what_servers_say_about_themselves_is_inherited() {
    let model = load(
        "ServerAdmin root@example\nUseCanonicalName On\nServerSignature EMail\nServerTokens Full\n\
         TraceEnable extended\n\
         <VirtualHost *>\nServerName plain\n</VirtualHost>\n\
         <VirtualHost *:81>\nUseCanonicalName off\nUseCanonicalPhysicalPort on\n\
         ServerSignature off\nServerAdmin own@example\nTraceEnable off\n</VirtualHost>\n\
         <VirtualHost *:81>\nServerName a:82\n</VirtualHost>\n",
    );
    let shown = model.hosts.iter().map(|host| {
        let who = &host.identity;
        let admin = who.admin.as_deref().unwrap_or("-");
        let names = (who.canonical_name, who.physical_port);
        format!(
            "{names:?} {:?} {admin} {:?} {} {:?}",
            who.port, who.signature, who.version, who.trace
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "(On, false) None root@example Email true Extended",
            "(On, false) None root@example Email true Extended",
            "(Off, true) Some(81) own@example Off true Off",
            "(On, false) Some(82) root@example Email true Extended",
        ]
    );
}
