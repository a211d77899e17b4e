//! What virtual hosts have from the main server.

use super::*;

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
fn whose_word_counts_is_inherited() {
    let whose = |text: &str| -> Vec<_> {
        let passes = |host: &Host| {
            let from = |client: &str| host.forwarded.pass_from(client.parse().unwrap());
            (from("10.0.0.1"), from("203.0.113.7"))
        };
        load(text).hosts.iter().map(passes).collect()
    };
    assert_eq!(whose(""), [(true, false)]);
    assert_eq!(whose("RemoteIPHeader X-Client"), [(true, true)]);
    let found = whose(
        "JkdForwardedHeaders None\nRemoteIPTrustedProxy 203.0.113.7\n
         <VirtualHost *>\n</VirtualHost>
         <VirtualHost *>\nJkdForwardedHeaders trusted\n</VirtualHost>
         <VirtualHost *>\nJkdForwardedHeaders trusted\nRemoteIPInternalProxy 10.0.0.1\n</VirtualHost>
         <VirtualHost *>\nJkdForwardedHeaders all\n</VirtualHost>",
    );
    let expected = [
        (false, false),
        (false, false),
        (false, true),
        (true, false),
        (true, true),
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
        let crate::model::Naming {
            name,
            physical_port,
        } = host.own_naming();
        let names = (name, physical_port);
        format!(
            "{names:?} {:?} {admin} {:?} {} {:?}",
            who.port,
            host.settings.signature.unwrap_or_default(),
            who.version,
            who.trace
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
