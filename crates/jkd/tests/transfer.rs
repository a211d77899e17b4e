//! Large bodies through a real Tomcat: intact, and without being collected in memory.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{io::Read, thread, time::Duration};

use jkd_tests::{Http, Jkd, Request, Tomcat};
use sha2::{Digest, Sha256};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");
const MEGABYTE: u64 = 1 << 20;
const SIZE: u64 = 200 * MEGABYTE;
/// By how much jkd's memory may grow, in kB.
const GROWTH: u64 = 16 * 1024;

/// `size` bytes that look random and are the same each time: the same generator as in the JSPs.
struct Noise {
    state: u64,
    left: u64,
}

impl Noise {
    fn new(size: u64) -> Self {
        Self {
            state: 42,
            left: size,
        }
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = u64::try_from(buffer.len()).unwrap().min(self.left) / 8 * 8;
        let wanted = usize::try_from(wanted).unwrap();
        for word in buffer[..wanted].chunks_exact_mut(8) {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&self.state.to_be_bytes());
        }
        self.left -= u64::try_from(wanted).unwrap();
        Ok(wanted)
    }
}

fn digest_of_noise(size: u64) -> String {
    let (mut noise, mut digest) = (Noise::new(size), Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match noise.read(&mut buffer).unwrap() {
            0 => return hex(digest),
            length => digest.update(&buffer[..length]),
        }
    }
}

fn hex(digest: Sha256) -> String {
    format!("{:x}", digest.finalize())
}

/// Reads the body and says how long it was and what its SHA-256 is.
const SINK_JSP: &str = r#"<%@page session="false" contentType="text/plain" trimDirectiveWhitespaces="true"%><%
  java.security.MessageDigest digest = java.security.MessageDigest.getInstance("SHA-256");
  java.io.InputStream in = request.getInputStream();
  byte[] buffer = new byte[65536];
  long size = 0;
  for (int n; (n = in.read(buffer)) != -1; size += n) digest.update(buffer, 0, n);
  out.println("size=" + size + " sha256=" + java.util.HexFormat.of().formatHex(digest.digest()));
%>"#;

/// Sends `bytes` bytes of noise.
const SOURCE_JSP: &str = r#"<%@page session="false" contentType="application/octet-stream" trimDirectiveWhitespaces="true"%><%
  long left = Long.parseLong(request.getParameter("bytes"));
  if (request.getParameter("length") != null) response.setContentLengthLong(left);
  java.io.OutputStream to = response.getOutputStream();
  java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocate(65536);
  for (long state = 42; left > 0; left -= buffer.position()) {
    buffer.clear();
    while (buffer.hasRemaining() && buffer.position() < left) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      buffer.putLong(state);
    }
    to.write(buffer.array(), 0, buffer.position());
  }
  out.clear();
%>"#;

/// A Tomcat with both JSPs, and jkd in front of it, warmed up.
fn set_up(settings: &str, connector: &str) -> (Tomcat, Jkd) {
    let tomcat = Tomcat::builder("tomcat1")
        .connector(&format!("secretRequired=\"false\" {connector}"))
        .file("sink.jsp", SINK_JSP)
        .file("source.jsp", SOURCE_JSP)
        .start();
    let workers = format!(
        "worker.list=w\nworker.w.type=ajp13\nworker.w.host=127.0.0.1\nworker.w.port={}\n{settings}",
        tomcat.address().port()
    );
    let jkd = Jkd::serving(BINARY, &workers, &["/*=w"]);
    upload(&jkd, MEGABYTE, true);
    download(&jkd, "/source.jsp?bytes=1048576", MEGABYTE, Duration::ZERO);
    (tomcat, jkd)
}

fn upload(jkd: &Jkd, size: u64, with_length: bool) {
    let mut noise = Noise::new(size);
    let request = Request::new("POST", "/sink.jsp").body(&mut noise, with_length.then_some(size));
    let answer = jkd.http().send(request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.fact("size"), size.to_string());
    assert_eq!(answer.fact("sha256"), digest_of_noise(size));
}

/// Downloads; after each megabyte the client rests for `pause`.
fn download(jkd: &Jkd, path: &str, size: u64, pause: Duration) {
    let (mut digest, mut received) = (Sha256::new(), 0);
    let answer = Http::new(jkd.address)
        .exchange(Request::new("GET", path), &mut |part| {
            digest.update(part);
            let before = received / MEGABYTE;
            received += u64::try_from(part.len()).unwrap();
            if received / MEGABYTE > before {
                thread::sleep(pause);
            }
        })
        .unwrap();
    assert_eq!((answer.status, received), (200, size));
    assert_eq!(hex(digest), digest_of_noise(size));
}

/// Runs `work` and checks how far the peak of jkd's memory is above what it has before.
fn in_constant_memory(jkd: &Jkd, work: impl FnOnce(&Jkd)) {
    let before = jkd.process().memory_kb("VmRSS");
    work(jkd);
    let peak = jkd.process().memory_kb("VmHWM");
    assert!(
        peak < before + GROWTH,
        "{before} kB before, {peak} kB at the peak"
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run transfer"]
fn a_large_upload_arrives_intact_and_is_not_collected() {
    let (_tomcat, jkd) = set_up("", "");
    in_constant_memory(&jkd, |jkd| upload(jkd, SIZE, true));
    in_constant_memory(&jkd, |jkd| upload(jkd, SIZE / 4, false));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run transfer"]
fn a_large_download_arrives_intact_and_is_not_collected() {
    let (_tomcat, jkd) = set_up("", "");
    let path = format!("/source.jsp?bytes={SIZE}");
    in_constant_memory(&jkd, |jkd| download(jkd, &path, SIZE, Duration::ZERO));
    let path = format!("/source.jsp?bytes={SIZE}&length");
    in_constant_memory(&jkd, |jkd| download(jkd, &path, SIZE, Duration::ZERO));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run transfer"]
fn a_slow_reader_slows_the_backend_instead_of_filling_memory() {
    let (_tomcat, jkd) = set_up("", "");
    let path = format!("/source.jsp?bytes={}", SIZE / 2);
    let pause = Duration::from_millis(20);
    in_constant_memory(&jkd, |jkd| download(jkd, &path, SIZE / 2, pause));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run transfer"]
fn the_largest_packets_carry_the_same_bytes() {
    let settings = "worker.w.max_packet_size=65536\n";
    let (_tomcat, jkd) = set_up(settings, "packetSize=\"65536\"");
    in_constant_memory(&jkd, |jkd| {
        upload(jkd, SIZE / 4, true);
        let path = format!("/source.jsp?bytes={}", SIZE / 4);
        download(jkd, &path, SIZE / 4, Duration::ZERO);
    });
}
