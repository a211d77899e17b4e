//! The front ends, as data.

/// A front end that is measured. In its command and files, names between percent signs stand for
/// ports, folders and sizes.
#[derive(Debug)]
pub struct Peer {
    /// What it is called on the command line and in results.
    pub name: &'static str,
    /// What it is called in tables.
    pub title: &'static str,
    /// Debian packages that it comes from.
    pub packages: &'static [&'static str],
    /// Whether it knows sessions.
    pub sticky: bool,
    /// Whether it is measured when nobody says what to measure.
    pub is_default: bool,
    /// Bytes of the largest AJP packet.
    pub packet_size: usize,
    pub(super) command: &'static [&'static str],
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Whether it gets a very large configuration.
    pub(super) large: bool,
}

const fn peer(name: &'static str, title: &'static str) -> Peer {
    Peer {
        name,
        title,
        packages: &[],
        sticky: true,
        is_default: true,
        packet_size: 8192,
        command: &[],
        files: &[],
        large: false,
    }
}

/// All of them, in the order of the tables. What figures are compared with comes first.
pub static PEERS: [Peer; 17] = [
    MOD_JK,
    Peer {
        packages: &["apache2"],
        command: &[
            "/usr/sbin/apache2",
            "-DFOREGROUND",
            "-f",
            "%dir%/mod_proxy_ajp.conf",
        ],
        files: &[
            HTTPD,
            (
                "mod_proxy_ajp.conf",
                include_str!("../../peers/mod_proxy_ajp.conf"),
            ),
        ],
        ..peer("mod_proxy_ajp", "Apache httpd (event), mod_proxy_ajp")
    },
    Peer {
        packages: &["nginx"],
        command: &[
            "/usr/sbin/nginx",
            "-c",
            "%dir%/nginx.conf",
            "-e",
            "%dir%/error.log",
        ],
        files: &[("nginx.conf", include_str!("../../peers/nginx.conf"))],
        ..peer("nginx", "nginx, to an HTTP backend")
    },
    Peer {
        packages: &["haproxy"],
        command: &["/usr/sbin/haproxy", "-db", "-f", "%dir%/haproxy.cfg"],
        files: &[("haproxy.cfg", include_str!("../../peers/haproxy.cfg"))],
        ..peer("haproxy", "HAProxy, to an HTTP backend")
    },
    Peer {
        packages: &["haproxy"],
        sticky: false,
        command: &["/usr/sbin/haproxy", "-db", "-f", "%dir%/haproxy-tcp.cfg"],
        files: &[(
            "haproxy-tcp.cfg",
            include_str!("../../peers/haproxy-tcp.cfg"),
        )],
        ..peer("haproxy-tcp", "HAProxy, bytes only, to an HTTP backend")
    },
    FLOOR,
    JKD,
    Peer {
        packet_size: 65536,
        is_default: false,
        ..renamed(&MOD_JK, "mod_jk-64k", "mod_jk, max_packet_size=65536")
    },
    Peer {
        packet_size: 65536,
        is_default: false,
        ..renamed(&FLOOR, "floor-64k", "floor, packets of 64 KB")
    },
    Peer {
        packet_size: 65536,
        is_default: false,
        ..renamed(&JKD, "jkd-64k", "jkd, max_packet_size=65536")
    },
    Peer {
        command: &[
            "%jkd%",
            "run",
            "-f",
            "%dir%/jkd.conf",
            "--threads",
            "%cores%",
            "--metrics",
            "%metrics%",
        ],
        files: &[
            ("jkd.conf", include_str!("../../peers/jkd-observed.conf")),
            (
                "workers.properties",
                include_str!("../../peers/workers-observed.properties"),
            ),
        ],
        is_default: false,
        ..peer(
            "jkd-observed",
            "jkd with access log, metrics and status page",
        )
    },
    Peer {
        files: &[],
        large: true,
        is_default: false,
        ..renamed(
            &JKD,
            "jkd-large",
            "jkd with 10,000 mounts, 500 members, 200 virtual hosts",
        )
    },
    threads(
        "jkd-threads-1",
        "jkd, 1 thread",
        &["%jkd%", "run", "-f", "%dir%/jkd.conf", "--threads", "1"],
    ),
    threads(
        "jkd-threads-2",
        "jkd, 2 threads",
        &["%jkd%", "run", "-f", "%dir%/jkd.conf", "--threads", "2"],
    ),
    threads(
        "jkd-threads-4",
        "jkd, 4 threads",
        &["%jkd%", "run", "-f", "%dir%/jkd.conf", "--threads", "4"],
    ),
    threads(
        "jkd-threads-8",
        "jkd, 8 threads",
        &["%jkd%", "run", "-f", "%dir%/jkd.conf", "--threads", "8"],
    ),
    Peer {
        command: &[
            "/usr/bin/env",
            "JKD_RUNTIME=shared",
            "%jkd%",
            "run",
            "-f",
            "%dir%/jkd.conf",
            "--threads",
            "%cores%",
        ],
        is_default: false,
        ..renamed(&JKD, "jkd-shared", "jkd, one runtime over all threads")
    },
];

const HTTPD: (&str, &str) = ("httpd.conf", include_str!("../../peers/httpd.conf"));

const WORKERS: (&str, &str) = (
    "workers.properties",
    include_str!("../../peers/workers.properties"),
);

const MOD_JK: Peer = Peer {
    packages: &["apache2", "libapache2-mod-jk"],
    command: &[
        "/usr/sbin/apache2",
        "-DFOREGROUND",
        "-f",
        "%dir%/mod_jk.conf",
    ],
    files: &[
        HTTPD,
        ("mod_jk.conf", include_str!("../../peers/mod_jk.conf")),
        WORKERS,
    ],
    ..peer("mod_jk", "Apache httpd (event), mod_jk")
};

const FLOOR: Peer = Peer {
    command: &[
        "%self%",
        "floor",
        "--listen",
        "127.0.0.1:%port%",
        "--threads",
        "%cores%",
        "--packet-size",
        "%packet_size%",
        "--node",
        "node1=127.0.0.1:%ajp1%",
        "--node",
        "node2=127.0.0.1:%ajp2%",
    ],
    ..peer("floor", "floor: the least work on tokio")
};

const JKD: Peer = Peer {
    command: &[
        "%jkd%",
        "run",
        "-f",
        "%dir%/jkd.conf",
        "--threads",
        "%cores%",
    ],
    files: &[("jkd.conf", include_str!("../../peers/jkd.conf")), WORKERS],
    ..peer("jkd", "jkd")
};

/// Another one that is started in the same way.
const fn renamed(like: &Peer, name: &'static str, title: &'static str) -> Peer {
    Peer {
        name,
        title,
        ..*like
    }
}

const fn threads(
    name: &'static str,
    title: &'static str,
    command: &'static [&'static str],
) -> Peer {
    Peer {
        command,
        is_default: false,
        ..renamed(&JKD, name, title)
    }
}

/// The front end of that name.
pub fn find(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}
