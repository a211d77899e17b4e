//! Variables: what is inherited, what is left out, and what is wrong.

use insta::assert_snapshot;

use super::memory::Memory;
use crate::model::{
    Model,
    variables::{Handler, VariableRules},
};

const WORKERS: &str = "worker.list=w\nworker.w.port=8009\n";

fn memory(lines: &str) -> Memory {
    let conf = format!("Listen 80\nJkWorkersFile w\nJkMount /* w\n{lines}");
    Memory::new(&[("/etc/jk.conf", &conf), ("/etc/w", WORKERS)])
}

fn model(lines: &str) -> Model {
    memory(lines).model()
}

/// What is said about lines that begin at line 4.
fn said(lines: &str) -> String {
    memory(lines).load().diagnostics.to_string()
}

fn shown(rules: &VariableRules) -> String {
    let conditions = rules.conditions.iter();
    let assigned = conditions.flat_map(|c| c.assignments.iter().map(|a| a.name.to_string()));
    let settings = rules.settings.iter();
    let settings = settings.map(|s| format!("{}={}", s.name, s.value));
    assigned.chain(settings).collect::<Vec<_>>().join(" ")
}

#[test]
fn virtual_hosts_inherit() {
    let model = model(
        "JkEnvVar A main\nJkEnvVar B\nJkEnvVar C\nSetEnv A 1\nSetEnv B 1\nSetEnvIf Host x C\n\
         JkRemoteUserIndicator USER\nJkLocalAddrIndicator LOCAL\nSetHandler jakarta-servlet\n\
         <VirtualHost *>\nUnsetEnv A\nSetEnv b 2\nSetEnvIf Host y B\nJkEnvVar a own\n\
         JkRemoteUserIndicator WHO\nJkMount /* w\n</VirtualHost>\n",
    );
    let [main, own] = &*model.hosts else {
        panic!("two hosts")
    };
    assert_eq!(shown(&main.settings.variables), "C A=1 B=1");
    assert_eq!(shown(&own.settings.variables), "C B B=2");
    let vars = |host: &crate::model::Host| {
        let vars = host.env_vars.iter();
        let vars = vars.map(|v| format!("{}={:?}", v.name, v.default));
        vars.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(vars(main), "A=Some(\"main\") B=None C=None");
    assert_eq!(vars(own), "a=Some(\"own\") B=None C=None");
    assert_eq!(&*main.indicators.remote_user, "USER");
    assert_eq!(&*own.indicators.remote_user, "WHO");
    assert_eq!(&*own.indicators.local_addr, "LOCAL");
    assert_eq!(own.settings.handler, Some(Handler::Jk));
}

#[test]
fn a_variable_that_is_sent_twice_keeps_its_place_and_has_the_last_default() {
    let model = model("JkEnvVar A 1\nJkEnvVar B \"\"\nJkEnvVar a\nJkEnvVar remote_port\n");
    let vars = model.hosts[0].env_vars.iter();
    let vars = vars.map(|v| (&*v.name, v.default.as_deref(), v.own.clone()));
    let port = Some(crate::model::variables::OwnVariable::RemotePort);
    let expected = [
        ("A", None, None),
        ("B", None, None),
        ("remote_port", None, port),
    ];
    assert_eq!(vars.collect::<Vec<_>>(), expected);
}

#[test]
fn what_says_how_tls_was_used_can_be_named_and_switched_off() {
    let model = model(
        "JkHTTPSIndicator TLS\nJkCERTCHAINPrefix CHAIN_\nJkOptions +ForwardSSLCertChain\n\
         SetEnvIf Host . CHAIN_0=a\nSetEnvIf Host . OTHER_0=a\n\
         <VirtualHost *>\nJkMount /* w\nJkExtractSSL Off\nJkKEYSIZEIndicator BITS\n</VirtualHost>\n\
         <VirtualHost *>\nJkMount /* w\nJkExtractSSL On\n</VirtualHost>\n",
    );
    let [main, off, on] = &*model.hosts else {
        panic!("three hosts")
    };
    assert_eq!(shown(&main.settings.variables), "CHAIN_0");
    assert_eq!(&*off.indicators.tls.https, "TLS");
    assert_eq!(&*off.indicators.tls.key_size, "BITS");
    assert_eq!(&*on.indicators.tls.key_size, "SSL_CIPHER_USEKEYSIZE");
    let extracts = [main, off, on].map(|host| host.extracts_tls);
    assert_eq!(extracts, [true, false, true]);
}

#[test]
fn rules_that_nobody_reads_are_left_out() {
    let model = model(
        "BrowserMatch Java/1 redirect-carefully\nSetEnv proxy-nokeepalive 1\n\
         SetEnvIf Host ^a STEP=1\nSetEnvIf STEP 1 NO-JK\nSetEnvIf STEP 1 OTHER\n\
         <Location /x>\nSetEnv nobody 1\n</Location>\n\
         <Location /y>\nSetEnvIf FROM_SERVER . jk_route=b\n</Location>\n\
         SetEnvIf Host b FROM_SERVER\nBrowserMatch MSIE NoKeepAlive\n",
    );
    let host = &model.hosts[0];
    assert_eq!(
        shown(&host.settings.variables),
        "STEP NO-JK FROM_SERVER NoKeepAlive"
    );
    let sections = host.sections.iter().map(|s| shown(&s.settings.variables));
    assert_eq!(sections.collect::<Vec<_>>(), ["", "jk_route"]);
}

#[test]
fn what_seems_to_steer_and_does_not() {
    assert_snapshot!(said("SetEnv no_jk\nSetEnvIf Host x JK_ROUT=a\nSetEnv JK_OTHER x\n\
        SetEnv JK_REPLY_TIMEOUT 5s\nSetEnvIf Host x jk_stateless=on\nSetEnv JK_STATELESS\n\
        SetEnvIf Host (x) JK_REPLY_TIMEOUT=$1\nSetEnv JK_STICKY_IGNORE -1\n"), @r"
    /etc/jk.conf:4: warning: SetEnv no_jk: mod_jk reads no variable of this name
        remedy: Did you mean no-jk? Leave it if you mean this one.
    /etc/jk.conf:5: warning: SetEnvIf JK_ROUT: mod_jk reads no variable of this name
        remedy: Did you mean JK_ROUTE? Leave it if you mean this one.
    /etc/jk.conf:7: warning: SetEnv JK_REPLY_TIMEOUT: `5s` is no whole number, and only its leading digits count
        remedy: Write milliseconds, digits only; 0 is no limit.
    /etc/jk.conf:8: warning: SetEnvIf jk_stateless: `on` is no whole number, and only its leading digits count
        remedy: Write 1 to switch it on, or 0 to switch it off.
    ");
}

#[test]
fn requests_have_names_where_the_module_is_loaded() {
    let load = "LoadModule unique_id_module modules/mod_unique_id.so\n";
    assert_snapshot!(said(&format!("{load}JkEnvVar UNIQUE_ID\n")), @"");
    for (load, are_named) in [(load, true), ("", false)] {
        let config = format!("Listen 80\nJkMount /* w\n{load}<VirtualHost *:80>\n</VirtualHost>\n");
        let model = Memory::new(&[("/etc/jk.conf", &*config)]).model();
        assert!(
            model
                .hosts
                .iter()
                .all(|host| host.names_requests == are_named)
        );
    }
}

#[test]
fn what_is_wrong_with_them() {
    assert_snapshot!(said("SetEnvIf Host\nSetEnvIf Host (?!x) A\nBrowserMatch a++ A\n\
        SetEnvIf OID(1.2) x A\nSetEnvIf ^X( y A\nPassEnv NOT_THERE\nSetEnv A b c\n\
        SetHandler cgi-script\nJkEnvVar UNIQUE_ID\nJkWorkerIndicator\n"), @r"
    /etc/jk.conf:4: error: SetEnvIf takes 3 or more arguments, not 1
        remedy: Write `SetEnvIf ATTRIBUTE REGEX [!]NAME[=VALUE] …`.
    /etc/jk.conf:7: error: SetEnvIf OID: certificates are not looked at
        remedy: Remove the line.
    /etc/jk.conf:8: error: SetEnvIf: cannot use the expression `^X(`: at offset 3: missing closing parenthesis
        remedy: Correct the expression; a backslash makes an operator plain text.
    /etc/jk.conf:9: warning: PassEnv variable NOT_THERE was undefined
        remedy: Set it in the environment of the server, or remove its name.
    /etc/jk.conf:10: error: SetEnv takes one or two arguments, not 3
        remedy: Put an argument with blanks in quotes.
    /etc/jk.conf:11: warning: there is no handler cgi-script here: what it is set for is answered with 404
        remedy: Write jakarta-servlet, or None to leave it to the mounts.
    /etc/jk.conf:12: warning: JkEnvVar UNIQUE_ID: nothing makes such a variable here
        remedy: Load unique_id_module before this line, set one by SetEnvIf, or give it a default.
    /etc/jk.conf:13: error: JkWorkerIndicator takes one argument, not 0
        remedy: Write `JkWorkerIndicator VARIABLE`.
    ");
}

#[test]
fn what_steers_in_sections_and_by_expressions() {
    assert_snapshot!(said("<LocationMatch ^/x>\n\
        SetEnvIf Host . no-jk\nSetEnv No-JK\nSetEnv jk_route x\nSetEnv other no\n\
        </LocationMatch>\n\
        SetEnvIfExpr \"req('X') = y\" no-jk\nSetEnv https on\nSetEnvIf X-P s HTTPS=on\n\
        SetEnvIf X-C (.*) A SSL_CIPHER=$1\n"), @r"
    /etc/jk.conf:10: error: SetEnvIfExpr req('X') = y: syntax error, unexpected end, expecting (
        remedy: Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', -n req('Name') or true, joined by && and ||.
    ");
}
