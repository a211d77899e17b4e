//! The pages over real sockets, asked for by a client that knows packets and no more.

use ajp13::wire::frame::{self, Direction, MAX_PAYLOAD};
use ajp13::wire::{Attribute, Data, ForwardRequestWriter, Method, RequestLine, ResponsePacket};
use bytes::BytesMut;
use jkworkers::model::WorkerKind;
use jkworkers::workers_properties::{self, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// What came back.
#[derive(Default)]
struct Reply {
    status: u16,
    cookie: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One request on its own connection.
async fn ask(
    node: &Running,
    target: &str,
    headers: &[(&str, &str)],
    attributes: &[Attribute<'_>],
    body: &[u8],
) -> Reply {
    let mut packets = BytesMut::new();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let line = RequestLine {
        method: Method::from_name(if body.is_empty() { b"GET" } else { b"POST" }),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(path.as_bytes()),
        remote_addr: Some(b"192.0.2.7"),
        remote_host: None,
        server_name: Some(b"demo"),
        server_port: 8080,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(&mut packets, PacketSize::DEFAULT, &line);
    writer.header(b"content-length", body.len().to_string().as_bytes());
    for (name, value) in headers {
        writer.header(name.as_bytes(), value.as_bytes());
    }
    writer.attribute(&Attribute::QueryString(query.as_bytes()));
    for attribute in attributes {
        writer.attribute(attribute);
    }
    writer.finish().unwrap();
    let mut parts = body.chunks(PacketSize::DEFAULT.max_data());
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    stream.write_all(&packets).await.unwrap();
    if let Some(first) = parts.next() {
        stream.write_all(&data(first)).await.unwrap();
    }
    read(&mut stream, parts).await
}

fn data(bytes: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    Data::Bytes(bytes)
        .encode(&mut packet, PacketSize::DEFAULT)
        .unwrap();
    packet
}

async fn read(stream: &mut TcpStream, mut body: impl Iterator<Item = &[u8]>) -> Reply {
    let mut reply = Reply::default();
    let mut input = BytesMut::new();
    loop {
        let whole = frame::split(Direction::Response, &input, MAX_PAYLOAD).unwrap();
        let Some(length) = whole.map(|whole| whole.packet_len()) else {
            assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0, "cut off");
            continue;
        };
        let packet = input.split_to(length);
        match ResponsePacket::decode(&packet[frame::HEADER..]).unwrap() {
            ResponsePacket::SendHeaders(head) => {
                reply.status = head.status;
                let cookie = head.headers.get(b"set-cookie");
                reply.cookie = cookie.map(|cookie| String::from_utf8(cookie.to_vec()).unwrap());
            }
            ResponsePacket::SendBodyChunk(chunk) => reply.body.extend_from_slice(chunk.data),
            ResponsePacket::GetBodyChunk(_) => {
                stream.write_all(&data(body.next().unwrap())).await.unwrap();
            }
            ResponsePacket::EndResponse(_) => return reply,
            other => panic!("{other:?}"),
        }
    }
}

async fn get(node: &Running, target: &str) -> Reply {
    ask(node, target, &[], &[], b"").await
}

async fn two() -> Backends {
    Backends::start([Node::new("tomcat1", 0), Node::new("tomcat2", 0)])
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_moves_between_nodes_with_its_count() {
    let backends = two().await;
    let [one, two] = backends.nodes() else {
        panic!("two nodes")
    };
    let first = get(one, "/counter").await;
    let cookie = first.cookie.unwrap();
    let id = cookie
        .strip_prefix("JSESSIONID=")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        id.ends_with(".tomcat1") && cookie.ends_with("; Path=/; HttpOnly"),
        "{cookie}"
    );
    let header = [("cookie", &*format!("JSESSIONID={id}"))];
    let second = ask(one, "/counter", &header, &[], b"").await;
    assert!(second.text().contains("<dd id=\"count\">2</dd>"));
    assert_eq!(second.cookie, None, "it has the cookie");
    let disabled = Attribute::RequestAttribute {
        name: b"JK_LB_ACTIVATION",
        value: b"DIS",
    };
    let third = ask(two, "/counter", &header, &[disabled], b"").await;
    for part in [
        "count\">3<",
        "node\">tomcat2<",
        "before\">tomcat1<",
        "activation\">DIS<",
    ] {
        assert!(third.text().contains(part), "{part} in {}", third.text());
    }
    assert!(third.cookie.unwrap().contains(".tomcat2;"));
    let in_path = get(two, &format!("/counter;jsessionid={id}")).await;
    assert!(in_path.text().contains("count\">4<"));
}

#[tokio::test]
async fn the_echo_tells_what_the_node_was_told() {
    let backends = two().await;
    let facts = [
        Attribute::Route(b"tomcat1"),
        Attribute::Secret(b"hush"),
        Attribute::RequestAttribute {
            name: b"AJP_REMOTE_PORT",
            value: b"4711",
        },
        Attribute::RequestAttribute {
            name: b"OWN",
            value: b"value",
        },
    ];
    let target = "/echo/deep/%C3%A9?a=%3Cb%3E";
    let reply = ask(&backends.nodes()[0], target, &[("X-Own", "1")], &facts, b"").await;
    for line in [
        "node: tomcat1",
        "method: GET",
        "uri: /echo/deep/%C3%A9",
        "query: a=%3Cb%3E",
        "protocol: HTTP/1.1",
        "remote address: 192.0.2.7",
        "remote port: 4711",
        "server name: demo",
        "server port: 8080",
        "is_ssl: false",
        "route: tomcat1",
        "secret: present",
        "header x-own: 1",
        "attribute OWN: value",
    ] {
        assert!(
            reply.text().lines().any(|is| is == line),
            "{line} in {}",
            reply.text()
        );
    }
    assert!(!reply.text().contains("hush"));
}

#[tokio::test]
async fn uploads_are_measured_and_downloads_have_their_length() {
    let backends = two().await;
    let node = &backends.nodes()[0];
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let reply = ask(node, "/upload", &[], &[], &body).await;
    let crc = crc32fast::hash(&body);
    assert_eq!(
        reply.text(),
        format!("tomcat1 received 100000 bytes, CRC-32 {crc:08x}\n")
    );
    assert_eq!(
        get(node, "/download?bytes=300000").await.body.len(),
        300_000
    );
    assert_eq!(get(node, "/download?bytes=0").await.body.len(), 0);
}

#[tokio::test]
async fn the_other_pages() {
    let backends = two().await;
    let node = &backends.nodes()[1];
    let index = get(node, "/").await;
    for page in ["counter", "echo", "slow", "upload", "download"] {
        assert!(index.text().contains(&format!("href=\"{page}")), "{page}");
    }
    assert!(index.text().contains("tomcat2"));
    assert_eq!(get(node, "/slow?ms=1").await.text(), "tomcat2 took 1 ms\n");
    assert!(get(node, "/upload").await.text().contains("<form"));
    assert_eq!(get(node, "/none").await.status, 404);
}

#[tokio::test]
async fn a_node_wants_its_secret() {
    let node = Node {
        secret: Some(Secret::new("hush")),
        ..Node::new("tomcat1", 0)
    };
    let backends = Backends::start([node]).await.unwrap();
    assert_eq!(get(&backends.nodes()[0], "/").await.status, 403);
    let secret = [Attribute::Secret(b"hush")];
    assert_eq!(
        ask(&backends.nodes()[0], "/", &[], &secret, b"")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_node_whose_port_is_taken_moves() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let backends = Backends::start([Node::new("tomcat1", port)]).await.unwrap();
    let [node] = backends.nodes() else {
        panic!("one node")
    };
    assert!(node.moved && node.address.port() != port);
    assert_eq!(
        node.property(),
        format!("worker.tomcat1.port={}", node.address.port())
    );
    assert_eq!(get(node, "/slow?ms=0").await.status, 200);
}

#[tokio::test]
async fn shutting_down_closes_the_ports() {
    let backends = two().await;
    let address = backends.nodes()[0].address;
    backends.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn the_example_configuration_is_for_these_nodes() {
    let source = Source {
        name: "workers.properties.example",
        bytes: include_bytes!("../../../../workers.properties.example"),
    };
    let read = workers_properties::read(&[source], &[], "/", &|_| None);
    assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
    assert_eq!(
        read.listed.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["balancer", "status"]
    );
    let WorkerKind::Balancer(balancer) = &read.workers[0].kind else {
        panic!("no balancer")
    };
    let nodes: Vec<_> = balancer
        .members
        .iter()
        .map(|member| Node::of(&member.worker))
        .collect();
    let ports: Vec<_> = nodes.iter().map(|node| (&*node.name, node.port)).collect();
    assert_eq!(ports, [("tomcat1", 8009), ("tomcat2", 8019)]);
    assert!(
        nodes
            .iter()
            .all(|node| node.secret.as_ref().unwrap().matches(b"change-me"))
    );
    let mounts: Vec<_> = read
        .mounts
        .iter()
        .map(|m| (&*m.worker, &*m.pattern))
        .collect();
    assert_eq!(mounts, [("balancer", "/*"), ("status", "/jk-status")]);
}
