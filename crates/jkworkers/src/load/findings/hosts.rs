//! What is said about hosts, their addresses, and what they mount.

use insta::assert_snapshot;

use super::{Memory, body, said};

#[test]
fn mounts_in_sections_that_are_ignored_are_not_lost() {
    let config =
        "<Directory /srv>\nRequire all granted\n<Files x>\nJkMount w\n</Files>\n</Directory>\n";
    assert_snapshot!(body(config), @r"
    jk.conf:8: error: JkMount has no effect inside <Files>
        remedy: Write `JkMount PATH WORKER` outside of the section.
    ");
}

#[test]
fn remedies_for_rules_begin_with_one_slash() {
    let files = [
        (
            "/etc/jk.conf",
            "Listen 80\nJkWorkersFile w\nJkMountFile u\n",
        ),
        (
            "/etc/w",
            "worker.list=a\nworker.a.port=1\nworker.a.mount=!-/b\n",
        ),
        ("/etc/u", "!-/z=a\n"),
    ];
    let said = Memory::new(&files).load().diagnostics.to_string();
    assert!(
        said.contains("remedy: Write /z;") && said.contains("remedy: Write /b."),
        "{said}"
    );
}

#[test]
fn mounts() {
    assert_snapshot!(body("JkMount w\nJkMount /x w # comment\nJkMount *.jsp w\nJkMount !/x w\nJkUnMount /y nobody\nJkMount /y *\n<Location /z>\nJkMount /z w\nJkMount ww\n</Location>\nJkMount /* w\nJkMount \"/a b\" \"\"\n"), @r"
    jk.conf:5: error: JkMount needs a path when not defined in a location
        remedy: Write `JkMount /path/* worker`.
    jk.conf:6: error: JkMount takes one or two arguments, not 4
        remedy: A comment needs a line of its own.
    jk.conf:7: error: JkMount *.jsp: the path should start with /
        remedy: Write /*.jsp.
    jk.conf:8: error: JkMount !/x: the path should start with /
        remedy: Write `JkUnMount /x w` to exclude.
    jk.conf:9: warning: there is no worker `nobody` to serve /y
        remedy: The workers in worker.list are: w.
    jk.conf:10: warning: there is no worker `*` to serve /y: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    jk.conf:12: error: JkMount can not have a path when defined in a location
        remedy: Write the worker's name alone.
    jk.conf:13: warning: there is no worker `ww` to serve /z: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    jk.conf:16: warning: the worker's name for /a b is missing: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    ");
}

#[test]
fn virtual_hosts_that_mount_nothing() {
    assert_snapshot!(body("<VirtualHost *>\n</VirtualHost>\n<VirtualHost *>\nJkMountCopy On\n</VirtualHost>\n<VirtualHost *:80>\nJkMount /x w\n</VirtualHost>\n<VirtualHost *:81>\nJkMountCopy On\n</VirtualHost>\n"), @r"
    jk.conf:5: warning: nothing is mounted in this virtual host: its requests are answered with 404
        remedy: Write `JkMountCopy On` into it, or `JkMountCopy All` outside, to use the main server's mounts, too.
    jk.conf:13: warning: this virtual host is never used: nothing listens on port 81
        remedy: Write a Listen line for the port, or <VirtualHost *> for any port.
    ");
}

#[test]
fn virtual_hosts_that_mount_nothing_but_have_files() {
    assert_snapshot!(body("<VirtualHost *>\nDocumentRoot /\n</VirtualHost>\n"), @r"
    jk.conf:5: warning: nothing is mounted in this virtual host: it serves its files and nothing else
        remedy: Write `JkMountCopy On` into it, or `JkMountCopy All` outside, to use the main server's mounts, too.
    ");
}

#[test]
fn a_worker_that_is_not_listed() {
    assert_snapshot!(said("Listen 80\nJkWorkerProperty worker.list=lb\nJkWorkerProperty worker.lb.type=lb\nJkWorkerProperty worker.lb.balance_workers=node1\nJkMount /a node1\nJkMount /b ib\n"), @r"
    jk.conf:4: warning: nothing is set for the worker `node1`: it is an ajp13 worker on localhost:8009
        remedy: Write `worker.node1.host` and `worker.node1.port`.
    jk.conf:5: warning: there is no worker `node1` to serve /a: its requests are answered with 500
        remedy: Add `node1` to worker.list: it is defined, but cannot be mounted.
    jk.conf:6: warning: there is no worker `ib` to serve /b: its requests are answered with 500
        remedy: The workers in worker.list are: lb.
    ");
}

#[test]
fn addresses() {
    assert_snapshot!(body("Listen 80\nListen x\nListen example.com:80\nListen ::1:80\nListen 443 https\nListen [::1]:8443 http\n<VirtualHost>\n</VirtualHost>\n<VirtualHost 80 a:80 [::1 ::1 *:0 *:81>\n</VirtualHost>\nServerName *.x\nServerName a:0\n<Location x>\n</Location>\n<Location /a /b>\n</Location>\n"), @r"
    jk.conf:5: error: Listen 80 was written before, at jk.conf:1
        remedy: Remove one of the two lines.
    jk.conf:6: error: Listen x: `x` is not a port (0 to 65535)
        remedy: Write 8080, *:8080, 127.0.0.1:8080 or [::1]:8080.
    jk.conf:7: error: Listen example.com:80: `example.com` is not an IP address; host names are not looked up
        remedy: Write 8080, *:8080, 127.0.0.1:8080 or [::1]:8080.
    jk.conf:8: error: Listen ::1:80: an IPv6 address needs brackets, and a port behind them
        remedy: Write 8080, *:8080, 127.0.0.1:8080 or [::1]:8080.
    jk.conf:11: error: <VirtualHost> directive requires additional arguments
        remedy: Write <VirtualHost *:80>, or an address and a port.
    jk.conf:13: error: <VirtualHost 80>: the address is missing
        remedy: Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.
    jk.conf:13: error: <VirtualHost a:80>: `a` is not an IP address; host names are not looked up
        remedy: Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.
    jk.conf:13: error: <VirtualHost [::1>: `[:` is not an IP address; host names are not looked up
        remedy: Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.
    jk.conf:13: error: <VirtualHost ::1>: an IPv6 address needs brackets
        remedy: Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.
    jk.conf:13: error: <VirtualHost *:0>: `0` is not a port
        remedy: Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.
    jk.conf:13: warning: this virtual host is never used: nothing listens on port 81
        remedy: Write a Listen line for the port, or <VirtualHost *> for any port.
    jk.conf:15: error: ServerName *.x: it is a pattern
        remedy: Write a name such as www.example.com or www.example.com:8080; patterns belong into ServerAlias.
    jk.conf:16: error: ServerName a:0: `0` is not a port (1 to 65535)
        remedy: Write a name such as www.example.com or www.example.com:8080; patterns belong into ServerAlias.
    jk.conf:17: error: <Location x>: the path does not begin with /
        remedy: Write /x.
    jk.conf:19: error: <Location> takes one path
        remedy: Put text with blanks in quotes.
    ");
}

#[test]
fn names_of_servers() {
    assert_snapshot!(body("UseCanonicalName DNS\nUseCanonicalName some\nServerSignature loud\nServerTokens none\n\
        TraceEnable most\nHostnameLookups Off\nHostnameLookups On\nHostnameLookups some\n\
        <VirtualHost *>\nServerTokens Full\n</VirtualHost>\n"), @r"
    jk.conf:6: error: UseCanonicalName must be one of On, Off, DNS
        remedy: Write one of them.
    jk.conf:7: error: ServerSignature must be one of On, Off, EMail
        remedy: Write one of them.
    jk.conf:8: error: ServerTokens must be one of Full, OS, Minimal, Min, Minor, Major, Prod, ProductOnly
        remedy: Write one of them.
    jk.conf:9: error: TraceEnable must be one of On, Off, extended
        remedy: Write one of them.
    jk.conf:12: error: HostnameLookups must be one of On, Off, Double
        remedy: Write one of them.
    jk.conf:14: error: ServerTokens cannot occur within <VirtualHost> section
        remedy: Move the line out of the <VirtualHost>.
    ");
}
