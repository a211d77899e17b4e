//! Logs as they are written and inherited.

use insta::assert_snapshot;

use super::memory::Memory;
use crate::model::{Asked, LogTarget, Logs, Model};

fn loaded(text: &str) -> Memory {
    let conf = format!("ServerRoot /srv\nListen 80\nJkMount /* ajp13\n{text}");
    Memory::new(&[("/etc/jk.conf", &conf)])
}

fn model(text: &str) -> Model {
    loaded(text).load().model.unwrap()
}

/// The access logs of each host: file, format, condition.
fn access(text: &str) -> Vec<Vec<String>> {
    let model = model(text);
    let hosts = model.hosts.iter();
    let logs = hosts.map(|host| {
        let logs = host.logs.access.iter();
        let shown = logs.map(|log| {
            let only = log.only.as_ref();
            let only = only.map_or(String::new(), |only| {
                format!(" {}{}", if only.negated { "!" } else { "" }, only.variable)
            });
            format!("{} {}{only}", log.to, log.format.text())
        });
        shown.collect()
    });
    logs.collect()
}

#[test]
fn nicknames_are_looked_up_at_the_end_and_whatever_their_case() {
    let found = access(
        "CustomLog logs/a.log Mine\nLogFormat %h mine\nLogFormat %a MINE\nCustomLog /b clf\n\
         CustomLog c nowhere\n",
    );
    let expected = [
        "/srv/logs/a.log %a",
        "/b %h %l %u %t \"%r\" %>s %b",
        "/srv/c nowhere",
    ];
    assert_eq!(found, [expected]);
}

#[test]
fn a_virtual_host_with_a_log_of_its_own_has_no_other_but_global_ones() {
    let found = access(
        "LogFormat %h one\nCustomLog a one\nTransferLog t\nGlobalLog g one env=!quiet\n\
         <VirtualHost *:80>\nServerName inherits\nLogFormat %a\nLogFormat %a one\n</VirtualHost>\n\
         <VirtualHost *:80>\nServerName own\nLogFormat %A one\nCustomLog b one env=loud\n</VirtualHost>\n",
    );
    let common = "%h %l %u %t \"%r\" %>s %b";
    let main = ["/srv/a %h", &format!("/srv/t {common}"), "/srv/g %h !quiet"];
    assert_eq!(found[0], main);
    // The format of a TransferLog is the one of the server that uses it.
    assert_eq!(found[1], ["/srv/a %h", "/srv/t %a", "/srv/g %h !quiet"]);
    assert_eq!(found[2], ["/srv/b %A loud", "/srv/g %h !quiet"]);
}

#[test]
fn programs_with_and_without_a_shell() {
    for (written, command, shell) in [
        ("|/bin/cat x", "/bin/cat x", false),
        ("||/bin/cat x", "/bin/cat x", false),
        ("|$cat > x", "cat > x", true),
        ("||$cat", "cat", true),
    ] {
        let model = model(&format!("CustomLog \"{written}\" %h\n"));
        let expected = LogTarget::Program {
            command: command.into(),
            shell,
        };
        assert_eq!(model.hosts[0].logs.access[0].to, expected);
    }
}

const INHERITED: &str = "\
JkLogFile logs/jk.log
JkLogLevel debug
JkLogStampFormat \"[%T] \"
JkRequestLogFormat %w
ErrorLog e.log
LogLevel error jk:trace3
<VirtualHost *:80>
JkLogLevel warn
LogLevel trace8
</VirtualHost>
<VirtualHost *:80>
JkLogFile own.log
JkRequestLogFormat %T
ErrorLog \"|cat\"
</VirtualHost>
<VirtualHost *:80>
JkRequestLogFormat %y
JkLogStampFormat 1234567890123456789012345678901234567890123456789012345678901234
</VirtualHost>
";

#[test]
fn what_mod_jk_logs_is_inherited_piece_by_piece() {
    let model = model(INHERITED);
    let shown = model.hosts.iter().map(|host| {
        let Logs {
            jk,
            error,
            error_level,
            ..
        } = &host.logs;
        let requests = jk.requests.as_ref().map_or("-", |format| format.text());
        format!(
            "{} {} {}{requests} {} {}",
            jk.file.as_ref().unwrap().to,
            jk.level.name(),
            jk.stamp.text(),
            error.as_ref().unwrap().to,
            error_level
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "/srv/logs/jk.log debug [%T] %w /srv/e.log error jk:trace3",
            "/srv/logs/jk.log warn [%T] %w /srv/e.log trace8 jk:trace3",
            "/srv/own.log debug [%T] %T |cat error jk:trace3",
            "/srv/logs/jk.log debug [%a %b %d %H:%M:%S.%Q %Y] - /srv/e.log error jk:trace3",
        ]
    );
}

#[test]
fn without_a_jk_log_file_it_is_in_the_directory_of_logs() {
    let file = |files: &[(&str, &str)]| {
        let model = Memory::new(files).load().model.unwrap();
        let file = model.hosts[0].logs.jk.file.as_ref();
        file.map(|place| place.to.to_string())
    };
    let conf = (
        "/etc/jk.conf",
        "ServerRoot /srv\nListen 80\nJkMount /* ajp13\n",
    );
    assert_eq!(file(&[conf]), None);
    let there = file(&[conf, ("/srv/logs", "")]);
    assert_eq!(there.as_deref(), Some("/srv/logs/mod_jk.log"));
}

#[test]
fn an_error_log_is_inherited_piece_by_piece() {
    let model = model(
        "ErrorLog syslog:user:shop\nLogLevel info core:debug\nErrorLogFormat \"%t %M\"\n\
         ErrorLogFormat request \"%L\"\nErrorLogFormat connection \"%a\"\n\
         <Location /x>\nLogLevel ssl_module:trace4\n</Location>\n\
         <VirtualHost *:80>\nErrorLogFormat REQUEST \"\"\nErrorLogFormat \"%M\"\n\
         LogLevel mod_ssl.c:crit error\n</VirtualHost>\n",
    );
    let shown = model.hosts.iter().map(|host| {
        let Logs {
            error,
            error_format: format,
            ..
        } = &host.logs;
        let asked = Asked::at(b"/x/y");
        format!(
            "{} {} {} {:?} {} {} in /x: {}",
            error.as_ref().unwrap().to,
            host.logs.error_level,
            format.line.as_ref().unwrap().text(),
            format.line.as_ref().unwrap().items().len(),
            format.connection.len(),
            format.request.len(),
            host.log_levels(asked),
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "syslog:user:shop info core:debug %t %M 3 1 1 in /x: info core:debug ssl:trace4",
            "syslog:user:shop error core:debug %M 1 1 0 in /x: error core:debug ssl:trace4",
        ]
    );
}

#[test]
fn variables_that_only_a_log_reads_are_kept() {
    let variables = |log: &str| {
        let text = format!("SetEnv A 1\nSetEnvIf Host x B\nSetEnv C 1\n{log}");
        let rules = model(&text).hosts[0].settings.variables.clone();
        (rules.settings.len(), rules.conditions.len())
    };
    assert_eq!(variables(""), (0, 0));
    assert_eq!(variables("CustomLog x %{a}e env=!b\n"), (1, 1));
    assert_eq!(variables("ErrorLogFormat \"%M %{c}e\"\n"), (1, 0));
}

#[test]
#[allow(clippy::too_many_lines, reason = "a snapshot")]
fn what_is_wrong_with_logs() {
    let found = loaded(
        "LogFormat \"%y\" n\nLogFormat \"%{foo\"\nCustomLog a.log\nCustomLog a %h env=!\n\
         CustomLog a %h foo=bar\nCustomLog a %h expr=resp(1)==2\nCustomLog a %h expr=tru\nCustomLog a %y\nCustomLog \"\" %h\n\
         CustomLog \"|\" %h\nErrorLog syslog:local9\nErrorLog \"|$ \"\nLogLevel warn jk:loud\n\
         LogLevel trace9\nJkLogFile \"\"\nJkRequestLogFormat %a\nBufferedLogs maybe\n\
         <Location /x>\nCustomLog a %h\nLogLevel debug\n</Location>\n\
         <VirtualHost *:80>\nGlobalLog a %h\n</VirtualHost>\nErrorLogFormat %t\n\
         ErrorLogFormat server %M\nErrorLog journald\nLogLevel rust:debug\n",
    )
    .load()
    .diagnostics
    .to_string();
    assert_snapshot!(found, @r#"
    /etc/jk.conf: warning: no JkWorkersFile: the only worker is one called `ajp13`, localhost:8009
        remedy: Write `JkWorkersFile FILE`, or start with --workers FILE.
    /etc/jk.conf:4: error: LogFormat: Unrecognized LogFormat directive %y
        remedy: Correct the format; %% is a percent sign.
    /etc/jk.conf:5: error: LogFormat: Ran off end of LogFormat parsing args to some directive
        remedy: Correct the format; %% is a percent sign.
    /etc/jk.conf:6: error: CustomLog takes 2 to 3 arguments, not 1
        remedy: Write `CustomLog FILE|"|PROGRAM" FORMAT|NICKNAME [env=[!]VARIABLE]`.
    /etc/jk.conf:7: error: CustomLog … env=!: missing environment variable name
        remedy: Write env=NAME or env=!NAME, and set the variable with SetEnvIf.
    /etc/jk.conf:8: error: CustomLog … foo=bar: error in condition clause
        remedy: Write env=NAME or env=!NAME, and set the variable with SetEnvIf.
    /etc/jk.conf:9: error: CustomLog … expr=resp(1)==2: resp() is not known here
        remedy: Look at REQUEST_STATUS, or at a variable.
    /etc/jk.conf:10: error: CustomLog … expr=tru: syntax error, unexpected end, expecting (
        remedy: Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', -n req('Name') or true, joined by && and ||.
    /etc/jk.conf:11: error: CustomLog: Unrecognized LogFormat directive %y
        remedy: Correct the format; %% is a percent sign.
    /etc/jk.conf:12: error: CustomLog: the name of the file is empty
        remedy: Write a file.
    /etc/jk.conf:13: error: CustomLog: there is no program behind `|`
        remedy: Write a program with its path, such as "|/usr/bin/rotatelogs …".
    /etc/jk.conf:14: error: ErrorLog syslog:local9: there is no facility `local9`
        remedy: Write local0 … local7, daemon, user or another one of syslog.
    /etc/jk.conf:15: error: ErrorLog: there is no program behind `|`
        remedy: Write a program with its path, such as "|/usr/bin/rotatelogs …".
    /etc/jk.conf:16: error: LogLevel jk:loud: Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8
        remedy: warn is the default.
    /etc/jk.conf:17: error: LogLevel trace9: Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8
        remedy: warn is the default.
    /etc/jk.conf:18: error: JkLogFile: the name of the file is empty
        remedy: Write a file.
    /etc/jk.conf:19: warning: JkRequestLogFormat: Unrecognized LogFormat directive %a: requests are not logged, as with mod_jk
        remedy: Use %b, %B, %H, %m, %p, %q, %r, %R, %s, %T, %U, %v, %V and %w.
    /etc/jk.conf:20: error: BufferedLogs must be On or Off
        remedy: Write one of the two.
    /etc/jk.conf:22: error: CustomLog not allowed in <Location> context
        remedy: Move the line out of the section.
    /etc/jk.conf:26: error: GlobalLog cannot occur within <VirtualHost> section
        remedy: Move the line out of the <VirtualHost>.
    /etc/jk.conf:28: error: ErrorLogFormat: main ErrorLogFormat must contain message format string '%M'
        remedy: Correct the format; %% is a percent sign.
    /etc/jk.conf:29: error: ErrorLogFormat server: ErrorLogFormat type must be one of request, connection
        remedy: Put the format into quotes, with one of the two in front, or nothing.
    /etc/jk.conf:30: error: ErrorLog journald: the journal is not written to directly
        remedy: Write syslog, which the journal reads, or a file.
    /etc/jk.conf:31: error: LogLevel rust:debug: Cannot find module rust
        remedy: Write the name of a module without mod_, such as core or ssl.
    "#);
}
