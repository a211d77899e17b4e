//! What must never happen with files: an escape from the root, a wait, a wrong length.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use jkd_tests::Request;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use crate::harness::Daemon;

/// A daemon with the files of a directory; `@` is the directory that `www` is in.
struct Site {
    daemon: Daemon,
    directory: TempDir,
}

impl Site {
    fn new(conf: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for name in ["www/sub", "outside/sub"] {
            fs::create_dir_all(root.join(name)).unwrap();
            fs::write(root.join(name).join("x.txt"), name).unwrap();
        }
        let conf = conf.replace('@', root.to_str().unwrap());
        let conf = format!("DocumentRoot {}/www\n{conf}", root.display());
        let workers = "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port=1\n";
        let daemon = Daemon::configured(workers, &conf);
        Self { daemon, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn status(&self, path: &str) -> u16 {
        self.daemon.http().get(path).status
    }

    /// A file with nothing in it, of this length.
    fn sparse(&self, length: u64) -> File {
        let file = File::create(self.path("www/large")).unwrap();
        file.set_len(length).unwrap();
        file
    }

    /// Asks for the large file, and stops after the head has begun to come.
    fn begin(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.daemon.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let request = "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut begin = [0; 8];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"HTTP/1.1");
        stream
    }
}

/// The length of what comes behind the head. A connection that is reset has ended, too.
fn rest(mut stream: TcpStream) -> usize {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    bytes.len() - head.unwrap() - 4
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of names")]
fn no_name_leads_out_of_the_root() {
    let site = Site::new("");
    let up = "/..".repeat(20);
    let long = format!("/{}", "x".repeat(255));
    for path in [
        format!("{up}/etc/passwd"),
        up.replace('.', "%2e") + "/etc/passwd",
        up.replace('.', "%252e") + "/etc/passwd",
        up.replace("..", "%c0%ae%c0%ae") + "/etc/passwd",
        up.replace("/..", "/..;x") + "/etc/passwd",
        up.replace("/..", "/.%00.") + "/etc/passwd",
        up.replace('/', "%2f") + "/etc/passwd",
        up.replace('/', "/sub%2f") + "/etc/passwd",
        up.replace('/', "%5c") + "%5cetc%5cpasswd",
        up.replace('/', "\\") + "\\etc\\passwd",
        "//etc/passwd".into(),
        "///etc///passwd".into(),
        "/sub/../../outside/sub/x.txt".into(),
        "/sub/./.././../outside/sub/x.txt".into(),
        "/../outside/sub/x.txt".into(),
        "/sub/x.txt%00.html".into(),
        "/sub%00/x.txt".into(),
        "/sub/x.txt/".into(),
        "/sub/x.txt/.".into(),
        "/sub/x.txt/..".into(),
        "/sub/x.txt%2f".into(),
        "/sub%5cx.txt".into(),
        "/~root/.bashrc".into(),
        long.clone(),
        format!("{long}x"),
        long.repeat(20),
        "/sub/.".repeat(1000),
    ] {
        let answer = site.daemon.http().get(&path);
        let text = answer.text();
        let (start, status) = (&path[..path.len().min(60)], answer.status);
        assert!(
            (400..500).contains(&status) || status == 301,
            "{start}: {status}"
        );
        assert!(
            !text.contains("root:") && !text.contains("outside"),
            "{start}"
        );
    }
    assert_eq!(site.status("//sub/.//x.txt"), 200);
}

#[test]
fn what_is_no_file_is_not_opened() {
    let site = Site::new("Options FollowSymLinks\nAlias /proc /proc/self\n");
    let www = site.path("www");
    mknodat(CWD, www.join("fifo"), FileType::Fifo, Mode::from(0o666), 0).unwrap();
    let _listener = UnixListener::bind(www.join("socket")).unwrap();
    for name in ["null", "zero", "tty"] {
        symlink(Path::new("/dev").join(name), www.join(name)).unwrap();
    }
    symlink("fifo", www.join("link")).unwrap();
    for name in ["fifo", "socket", "null", "zero", "tty", "link"] {
        assert_eq!(site.status(&format!("/{name}")), 403, "{name}");
        assert_eq!(site.status(&format!("/{name}/x")), 403, "{name}");
        for method in ["HEAD", "POST", "OPTIONS", "PUT"] {
            let path = format!("/{name}");
            let answer = site.daemon.http().send(Request::new(method, &path));
            assert_eq!(answer.status, 403, "{method} {name}");
        }
    }
    // It has a length of 0, whatever can be read from it.
    let status = site.daemon.http().get("/proc/status");
    assert_eq!(
        (status.status, status.header("content-length")),
        (200, Some("0"))
    );
    assert!(status.body.is_empty());
}

#[test]
fn a_file_that_may_not_be_read_is_forbidden() {
    let site = Site::new("");
    for (name, mode) in [("www/sub/x.txt", 0o000), ("www/sub", 0o000)] {
        let path = site.path(name);
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        // To root all is permitted.
        let permitted = rustix::process::geteuid().is_root();
        let expected = if permitted { 200 } else { 403 };
        assert_eq!(site.status("/sub/x.txt"), expected, "{name}");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_directory_that_is_swapped_meanwhile_leads_nowhere() {
    let site = Site::new("<Directory @/www>\nOptions None\n</Directory>\n");
    let (own, away, other) = (
        site.path("www/sub"),
        site.path("away"),
        site.path("outside/sub"),
    );
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&own, &away).unwrap();
                symlink(&other, &own).unwrap();
                fs::remove_file(&own).unwrap();
                fs::rename(&away, &own).unwrap();
            }
        });
        let mut http = site.daemon.http();
        for _ in 0..500 {
            let answer = http.get("/sub/x.txt");
            let text = answer.text();
            match answer.status {
                200 => assert_eq!(text, "www/sub"),
                status => assert!(matches!(status, 403 | 404), "{status}: {text}"),
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_file_that_shrinks_breaks_the_connection() {
    const LENGTH: u64 = 64 << 20;
    let site = Site::new("");
    let file = site.sparse(LENGTH);
    let stream = site.begin();
    file.set_len(1).unwrap();
    let rest = u64::try_from(rest(stream)).unwrap();
    assert!(rest < LENGTH, "{rest}");
}

#[test]
fn a_file_that_grows_is_sent_as_long_as_it_was() {
    const LENGTH: u64 = 16 << 20;
    let site = Site::new("");
    let file = site.sparse(LENGTH);
    let stream = site.begin();
    file.set_len(2 * LENGTH).unwrap();
    assert_eq!(u64::try_from(rest(stream)).unwrap(), LENGTH);
}

#[test]
fn of_a_huge_file_only_what_is_asked_for_is_read() {
    const LENGTH: u64 = 1 << 40;
    let site = Site::new("");
    drop(site.sparse(LENGTH));
    let mut http = site.daemon.http();
    let head = http.send(Request::new("HEAD", "/large"));
    let length = LENGTH.to_string();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(&*length))
    );
    for range in ["bytes=-7", "bytes=1099511627769-", "bytes=5-11"] {
        let part = http.send(Request::new("GET", "/large").header("Range", range));
        assert_eq!((part.status, part.body.len()), (206, 7), "{range}");
    }
    // Who goes away takes nothing along.
    for _ in 0..20 {
        drop(site.begin());
    }
    assert_eq!(http.get("/sub/x.txt").status, 200);
}
