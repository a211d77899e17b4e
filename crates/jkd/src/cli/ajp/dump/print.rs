//! Packets as text. What a peer chose is escaped, so that a capture cannot play with a terminal.

use std::io::{self, Write};

use ajp13::wire::{Data, ForwardRequest, Header, RequestPacket, ResponsePacket, SendHeaders};

use super::Packet;

/// Bytes of a body that are shown.
const EXCERPT: usize = 48;

/// One packet: its number, place and length, then what is in it.
pub(super) fn packet(
    out: &mut impl Write,
    number: usize,
    at: usize,
    length: usize,
    packet: &Packet<'_>,
) -> io::Result<()> {
    write!(out, "#{number} at {at}, {length} bytes: ")?;
    match packet {
        Packet::Request(packet) => request(out, packet),
        Packet::Response(packet) => response(out, packet),
    }
}

fn request(out: &mut impl Write, packet: &RequestPacket<'_>) -> io::Result<()> {
    match packet {
        RequestPacket::CPing => writeln!(out, "CPING"),
        RequestPacket::Data(Data::Bytes(bytes)) => body(out, "DATA", bytes),
        RequestPacket::Data(Data::End) => writeln!(out, "DATA, the end of the body"),
        RequestPacket::Data(_) => writeln!(out, "DATA, the end of the body in 4 bytes"),
        RequestPacket::ForwardRequest(request) => forward_request(out, request),
        RequestPacket::Ping => writeln!(out, "PING"),
        RequestPacket::Shutdown => writeln!(out, "SHUTDOWN"),
        other => writeln!(out, "{other:?}"),
    }
}

fn response(out: &mut impl Write, packet: &ResponsePacket<'_>) -> io::Result<()> {
    match packet {
        ResponsePacket::CPong => writeln!(out, "CPONG"),
        ResponsePacket::EndResponse(end) if end.reuse => writeln!(out, "END_RESPONSE reuse=1"),
        ResponsePacket::EndResponse(_) => {
            writeln!(out, "END_RESPONSE reuse=0, the web server has to close")
        }
        ResponsePacket::GetBodyChunk(ask) => {
            writeln!(out, "GET_BODY_CHUNK of at most {} bytes", ask.wanted)
        }
        ResponsePacket::SendBodyChunk(chunk) if chunk.data.is_empty() => {
            writeln!(out, "SEND_BODY_CHUNK, a flush")
        }
        ResponsePacket::SendBodyChunk(chunk) => body(out, "SEND_BODY_CHUNK", chunk.data),
        ResponsePacket::SendHeaders(headers) => send_headers(out, headers),
        other => writeln!(out, "{other:?}"),
    }
}

fn forward_request(out: &mut impl Write, request: &ForwardRequest<'_>) -> io::Result<()> {
    writeln!(
        out,
        "FORWARD_REQUEST {} {} {}",
        request.method.name().escape_ascii(),
        text(request.uri),
        text(request.protocol)
    )?;
    let client = (text(request.remote_addr), text(request.remote_host));
    writeln!(out, "    client {} ({})", client.0, client.1)?;
    let (server, port) = (text(request.server_name), request.server_port);
    let tls = if request.is_ssl { ", TLS" } else { "" };
    writeln!(out, "    server {server} port {port}{tls}")?;
    headers(out, request.headers.iter())?;
    for attribute in request.attributes.iter() {
        // Its Debug form escapes the value, and leaves the secret out.
        writeln!(out, "    attribute {attribute:?}")?;
    }
    Ok(())
}

fn send_headers(out: &mut impl Write, packet: &SendHeaders<'_>) -> io::Result<()> {
    let (status, reason) = (packet.status, text(packet.reason));
    writeln!(out, "SEND_HEADERS {status} {reason}")?;
    headers(out, packet.headers.iter())
}

fn headers<'a>(
    out: &mut impl Write,
    mut headers: impl Iterator<Item = Header<'a>>,
) -> io::Result<()> {
    headers.try_for_each(|header| {
        write!(out, "    header {header:?}")?;
        match header.code() {
            Some(code) => writeln!(out, "   (code A0{code:02X})"),
            None => writeln!(out),
        }
    })
}

fn body(out: &mut impl Write, name: &str, bytes: &[u8]) -> io::Result<()> {
    let shown = bytes.get(..EXCERPT).unwrap_or(bytes);
    let more = if shown.len() < bytes.len() {
        " …"
    } else {
        ""
    };
    let (length, shown) = (bytes.len(), shown.escape_ascii());
    writeln!(out, "{name} {length} bytes\n    {shown}{more}")
}

fn text(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.escape_ascii().to_string())
}
