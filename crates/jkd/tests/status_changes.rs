//! Status workers of jkd only show: what mod_jk's would change stays as the files say it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use jkd_tests::{Backend, Http, Jkd};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// Parameters of `cmd=update` about a balancer, about a member, and about its connections.
const BALANCER: &str = "vlr=5&vlri=50&vlt=90&vlee=45&vlx=7&vls=0&vlf=1&vlm=B&vll=P";
const MEMBER: &str = "vwa=s&vwf=9&vwn=other&vwr=b&vwc=domain&vwd=3";
const CONNECTIONS: &str = "vahst=192.0.2.1&vaprt=1&vacpt=1&vapng=1&vact=1&vapt=1&vart=1&var=9&vari=1\
                           &vacpi=1&varo=31&vabl=1&vamps=65536";

fn text(http: &mut Http, query: &str) -> String {
    http.get(&format!("/status?{query}")).text()
}

#[test]
fn nothing_can_be_changed() {
    let backend = Backend::saying("hello");
    let port = backend.address.port();
    let workers = format!(
        "worker.list=lb,status\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
         worker.a.host=127.0.0.1\nworker.a.port={port}\nworker.b.host=127.0.0.1\nworker.b.port={port}\n\
         worker.status.type=status\n"
    );
    let jkd = Jkd::serving(BINARY, &workers, &["/status=status", "/*=lb"]);
    let mut http = jkd.http();
    let before = text(&mut http, "cmd=config");
    let commands = [
        format!("cmd=update&w=lb&{BALANCER}"),
        format!("cmd=update&w=lb&sw=a&{MEMBER}&{CONNECTIONS}"),
        "cmd=update&w=lb&att=vwf&val0=3&val1=4&from=show&psw=a".to_owned(),
        "cmd=edit&w=lb".to_owned(),
        "cmd=reset&w=lb".to_owned(),
        "cmd=recover&w=lb&sw=a".to_owned(),
        "cmd=dump".to_owned(),
    ];
    for command in commands {
        let said = text(&mut http, &format!("mime=txt&{command}"));
        assert!(said.contains("type=ERROR"), "{command}: {said}");
    }
    assert_eq!(text(&mut http, "cmd=config"), before);
    assert_eq!(http.get("/").text(), "hello");
}
