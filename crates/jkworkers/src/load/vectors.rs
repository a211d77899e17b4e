//! Which worker serves which target: a table of what mod_jk does, asked through whole
//! configurations.

use super::memory::Memory;
use crate::{
    model::Model,
    uri_map::{
        normalise,
        oracle::{self, Plain},
    },
};

const WORKERS: &str = "worker.list=w0,w1,w2,w3,w4,w5,w6,wjk,wmap,wdef\n";

const A: &str = "
JkMount /app w0
JkMount /app/* w1
JkMount /app/*.jsp w2
JkMount /app/admin/* w3
JkMount /*.do w4
JkUnMount /app/static/* w1
JkUnMount /*.gif *
JkUnMount /app/admin/x w1
";
const B: &str = "
JkMount /ctx|/* w1
JkUnMount /ctx/static|/* w1
JkMount /p|/a|/b w2
";
const C: &str = "
JkMount /a?c w1
JkMount /x/??.html w2
JkMount /y/*/z w3
JkMount /q*r w4
";
const E: &str = "
JkMount /m/same wjk
JkMount /m/dis/* wjk
JkMount /m/pipe/no/jk wjk
JkMountFile map.properties
";
const E_MAP: &str = "
  /m/ws = w1   # trailing
/m/pipe|/*=w2
!/m/pipe/no|/*=w2
*.jsp=w3
/m/star/*=w4
!/*.gif=*
-/m/dis/*=w5
-!/m/star/keep/*=w4
/m/dup=w1
/m/dup=w2
/m/same=wmap
/m/?/q=w5
/m/a#b=w1
/m/env=$(JKLABW)
";
const F: &str = "
JkMount /s/a* w1
JkMount /s/ab w2
JkMount /s/*bcd w3
JkMount /s/*/t/* w4
JkMount /s/x/* w5
";
const HIJ: &str = "
JkMount /glob/* w0
JkWorkerProperty worker.wdef.mount=/defm /defm2/* /pipe|/x !/defm2/no/*
<VirtualHost *>
  ServerName h
</VirtualHost>
<VirtualHost *>
  ServerName i
  JkMountCopy On
</VirtualHost>
<VirtualHost *>
  ServerName j
  JkMountCopy On
  JkMount /own w6
  JkMount /glob/* w5
</VirtualHost>
";
const M: &str = "
<Location /loc>
  JkMount w1
</Location>
";
const N: &str = "
JkMount /A w1
JkMount /a w2
JkMount /w/* w3
JkUnMount /w/*/deny/* w3
JkMount /w/ok/deny/x w4
";

fn load(config: &str, map: &str) -> Model {
    let config = format!("Listen 80\nJkWorkersFile workers.properties\n{config}");
    let files = [
        ("/etc/jk.conf", &*config),
        ("/etc/workers.properties", WORKERS),
        ("/etc/map.properties", map),
    ];
    Memory::new(&files).env("JKLABW", "w6").model()
}

/// The worker, `none`, or the status with which the target is refused.
fn ask(model: &Model, host: Option<&str>, target: &str) -> String {
    let host = model.host_for("192.0.2.1:80".parse().unwrap(), host);
    match normalise(target.as_bytes(), host.uri_rules) {
        Ok(path) => {
            let found = host.uri_map.find(&path);
            let explained = host.uri_map.explain(&path);
            assert_eq!(found, explained.winner, "{target}");
            let plain: Vec<_> = host.uri_map.iter().map(Plain::from).collect();
            let slow = oracle::find(&plain, &path).map(|rule| &*rule.pattern);
            let is_refused = explained.refusal.is_some();
            assert_eq!(
                found.map(|m| &*m.pattern),
                slow.filter(|_| !is_refused),
                "{target}"
            );
            found.map_or("none", |mount| &mount.worker).to_owned()
        }
        Err(bad) => bad.status().to_string(),
    }
}

/// `expectations` are lines of `worker: target target …  # why`; `host/worker` asks for a host.
#[track_caller]
fn check(config: &str, expectations: &str) {
    let model = load(config, E_MAP);
    let lines = expectations.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        let (line, why) = line.split_once("  # ").unwrap();
        let (expected, targets) = line.split_once(": ").unwrap();
        let (host, expected) = match expected.split_once('/') {
            Some((host, expected)) => (Some(host), expected),
            None => (None, expected),
        };
        for target in targets.split_whitespace() {
            assert_eq!(ask(&model, host, target), expected, "{target}: {why}");
        }
    }
}

#[test]
fn a_precedence_and_exclusions() {
    check(
        A,
        "w0: /app  # an exact pattern
         w1: /app/  # `*` may be empty
         w2: /app/x.jsp  # of equally many slashes the longer pattern comes first
         w2: /app/x/y.jsp  # `*` crosses slashes
         w1: /app/x.jsp/z  # a pattern has to match to the end
         none: /app.jsp  # a pattern's slash is not optional
         none: /appx  # nor is the end of an exact one
         none: /APP/x  # case counts
         w3: /app/admin/x  # the exclusion is for w1 only
         w3: /app/admin/x.jsp  # three slashes come before two
         w1: /app/admin  # `/app/admin/*` does not match without its slash
         none: /app/static/a  # excluded
         w2: /app/static/a.jsp  # excluded for w1, matched for w2
         w1: /app/static  # the exclusion does not match without its slash
         none: /app/foo.gif /foo.gif  # excluded for all workers
         w4: /x.do /a/b/c.do  # a suffix, at any depth
         w1: /app/x.do  # `/app/*` has more slashes
         w4: /x.do?y=1  # the query is not looked at",
    );
}

#[test]
fn a_normalisation() {
    check(
        A,
        "w0: /app;jsessionid=1.n1  # parameters are removed
         w1: /app;jsessionid=1.n1/x  # from any segment
         w2: /app/x.jsp;jsessionid=A.n1  # before suffixes are compared
         w1: /app/;x/foo  # and before slashes are merged
         w1: //app/x /app//x /app/./x  # slashes are merged, `.` is removed
         w1: /other/../app/x  # `..` is resolved
         none: /app/..;/admin/y  # also with parameters: /admin/y
         w4: /app/%2e%2e/x.do  # also encoded: /x.do
         w1: /%61pp/x  # letters may be encoded
         400: /app/%2E%2E/%2E%2E/etc  # above the root, decoded
         400: /app/..;/..;/etc  # above the root, without parameters
         w1: /app%3bjsessionid=1/x /app/%3Bfoo/x  # an encoded `;` begins a parameter, too
         404: /app%2Fx  # an encoded slash, refused by default
         w1: /app/%252e%252e/x  # decoded once only
         400: /app/x%00  # NUL
         none: *  # OPTIONS *
         w1: http://a/app/x  # the absolute form",
    );
}

#[test]
fn a_encoded_slashes() {
    let with = |value: &str| format!("AllowEncodedSlashes {value}\n{A}");
    check(
        &with("Off"),
        "404: /app%2Fx /app/admin%2fy  # refused, mounted or not",
    );
    check(
        &with("On"),
        "w1: /app%2Fx  # a slash like any other
         w3: /app/admin%2fy  # in either case",
    );
    check(
        &with("NoDecode"),
        "none: /app%2Fx  # `%2F` is text: the segment is not `app`
         w1: /app/admin%2fy  # nor is it `admin`",
    );
}

#[test]
fn a_long_uris_are_not_mapped() {
    let model = load(A, "");
    let long = |length: usize| format!("/app/{}", "x".repeat(length - 5));
    assert_eq!(ask(&model, None, &long(4096)), "w1");
    assert_eq!(ask(&model, None, &long(65_535)), "w1");
    assert_eq!(ask(&model, None, &long(65_536)), "none");
    let parameters = format!("{};{}", long(65_535), "x".repeat(100));
    assert_eq!(
        ask(&model, None, &parameters),
        "w1",
        "cleaned, then measured"
    );
}

#[test]
fn b_the_shortcut() {
    check(
        B,
        "w1: /ctx /ctx/ /ctx/a  # both rules of the line
         none: /ctxa  # and nothing between them
         none: /ctx/static /ctx/static/ /ctx/static/a  # both exclusions of a line
         w1: /ctx/staticx  # and nothing between them
         w2: /p  # what stands before the first `|`
         none: /p/a  # only the first one is special
         w2: /p/a%7C/b  # the second one is text",
    );
}

#[test]
fn c_wildcards() {
    check(
        C,
        "w1: /abc /a/c  # `?` is any byte, a slash, too
         none: /ac /abbc  # exactly one byte
         w2: /x/ab.html /x/a/.html  # two of them
         none: /x/abc.html  # three are too many
         none: /y/z /y//z  # both slashes have to be there
         w3: /y/1/z /y/1/2/z  # `*` between them may have slashes
         w4: /qr /q/a/b/r  # or be empty",
    );
}

#[test]
fn d_exact_does_not_beat_wildcards() {
    check("JkMount / w1\nJkMount /* w2", "w2: / /x  # `/*` is longer");
    check(
        "JkMount /* w1\nJkUnMount / w1",
        "none: /  # excluded; no index file is looked for
         w1: /x  # only `/` is excluded",
    );
}

#[test]
fn e_files() {
    check(
        E,
        "w1: /m/ws  # blanks and a comment around a rule
         none: /m/pipe/no /m/pipe/no/x  # an exclusion with `|`
         wjk: /m/pipe/no/jk  # a deeper rule for another worker makes the exclusion void
         none: /x.jsp  # `*.jsp` does not begin with a slash and is left out
         none: /m/star/x.gif  # excluded for all
         w4: /m/star/keep/x  # `-!` is a disabled exclusion
         wjk: /m/dis/x  # `-` does not disable the JkMount of the same path
         w2: /m/dup  # of two lines the last one counts
         wmap: /m/same  # a file comes before JkMount
         w5: /m/x/q  # `?` in a segment
         none: /m/xx/q /m///q  # slashes are merged before anything is compared
         none: /m/a  # a `#` in the line: no `=` is left
         w6: /m/env  # from the environment",
    );
}

#[test]
fn f_ties() {
    check(
        F,
        "w1: /s/ab  # `/s/a*` was written before `/s/ab`, which is as long
         w3: /s/abcd  # a longer pattern
         w1: /s/abc  # the only one that matches
         w4: /s/x/t/1  # four slashes
         w5: /s/x/bcd  # three slashes come before two, whatever the length",
    );
}

#[test]
fn g_unsafe_uris() {
    check(
        "JkOptions +RejectUnsafeURI\nJkMount /* w1",
        r"w1: /ok  # nothing unsafe
          none: /a%25b /a%5cb  # `%` and `\` after decoding
          w1: /a;%25/b  # not in parameters, which are removed before",
    );
    check(
        "JkOptions +RejectUnsafeURI -RejectUnsafeURI\nJkMount /* w1",
        "w1: /a%25b  # `-` counts",
    );
}

#[test]
fn hij_inheritance() {
    check(
        HIJ,
        "h/none: /glob/x /defm  # nothing is inherited unasked
         i/w0: /glob/x  # JkMountCopy and no own rules: the main map
         i/wdef: /defm /defm2/a  # with the rules of worker definitions
         i/none: /defm2/no/a  # whose `!` works
         i/wdef: /pipe|/x  # and whose `|` is text
         i/none: /pipe /pipe/x  # and no shortcut
         j/w5: /glob/x  # an own rule replaces that of the same path
         j/w6: /own  # own rules
         j/none: /defm  # with own rules: none of worker definitions",
    );
    let all = format!("JkMountCopy All\n{HIJ}");
    check(&all, "h/w0: /glob/x  # asked for globally");
}

#[test]
fn m_locations_are_taken_literally() {
    check(
        M,
        "w1: /loc  # the section's path
         none: /loc/ /loc/x  # is no prefix",
    );
}

#[test]
fn n_case_and_void_exclusions() {
    check(
        N,
        "w1: /A  # case counts
         w2: /a  # both ways
         w3: /w/x  # no exclusion matches
         none: /w/ok/deny/y  # excluded
         w3: /w/deny/y  # the exclusion wants a segment between
         w4: /w/ok/deny/x  # a deeper rule for another worker makes it void",
    );
}
