//! The two web servers with the same files.

use std::thread;

use jkd_tests::{Actors, Httpd, Jkd, modules};

use crate::{
    case::Configuration,
    play::{self, Pace, Play},
};

/// The access log that is compared.
const ACCESS: &str = "compared.log";

/// The `JkLogFile` whose lines with `REQUEST ` are compared.
const REQUESTS: &str = "requests.log";

/// The `ErrorLog` that is compared: its lines with `REQUEST `.
const ERRORS: &str = "compared-errors.log";

/// Plays a configuration in front of both at once: mod_jk and jkd, each with backends of its own.
pub(crate) fn play(configuration: &Configuration, pace: Pace) -> (Play, Play) {
    thread::scope(|scope| {
        let mod_jk = scope.spawn(|| with_mod_jk(configuration, pace));
        let jkd = with_jkd(configuration, pace);
        let mod_jk = mod_jk.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>();
            panic!("mod_jk: {}", text.map_or("a panic", |text| text))
        });
        (mod_jk, jkd)
    })
}

fn with_mod_jk(configuration: &Configuration, pace: Pace) -> Play {
    let actors = actors(configuration);
    let workers = configuration.workers(actors.addresses());
    let mut files = configuration.files();
    files.push(("workers.properties", &workers));
    let httpd = Httpd::start_forked(&files, &configuration.jk_conf());
    let mut play = play::play(
        configuration,
        pace,
        (httpd.process(), httpd.address),
        &actors,
    );
    play.read_logs(
        &httpd.path(ACCESS),
        &[httpd.path(REQUESTS), httpd.path(ERRORS)],
    );
    play
}

/// With one thread, because each has connections of its own to the backends.
fn with_jkd(configuration: &Configuration, pace: Pace) -> Play {
    let actors = actors(configuration);
    let workers = configuration.workers(actors.addresses());
    let mut builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd"));
    for (name, text) in configuration.files() {
        builder = builder.file(name, text);
    }
    let root = builder.directory().display().to_string();
    let basis = format!(
        "ServerRoot \"{root}\"\nServerName localhost\nDocumentRoot \"{root}/www\"\n\
         JkWorkersFile workers.properties\n{}",
        modules()
    );
    let jkd = builder
        .file("www/.keep", "")
        .file("workers.properties", &workers)
        .file(
            "httpd.conf",
            &(basis + &configuration.jk_conf().replace("@root@", &root)),
        )
        .start(&[
            "run",
            "--threads",
            "1",
            "--listen",
            "127.0.0.1:0",
            "-f",
            "httpd.conf",
        ]);
    let mut play = play::play(configuration, pace, (jkd.process(), jkd.address), &actors);
    play.read_logs(&jkd.path(ACCESS), &[jkd.path(REQUESTS), jkd.path(ERRORS)]);
    play
}

fn actors(configuration: &Configuration) -> Actors {
    let backends = configuration.backends.iter();
    Actors::new(backends.map(|(name, script)| (&**name, &**script)))
}
