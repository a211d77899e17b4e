//! The application that writes down what it is asked.

use std::collections::BTreeMap;

use crate::{
    plain::{self, latin1},
    unhex,
};

/// Writes down what it is asked before it answers: a mark, then what it has understood.
pub(crate) const WITNESS_JSP: &str = r#"<%@page session="false"%><%!
  static String hex(String text) {
    if (text == null) return "-";
    StringBuilder all = new StringBuilder("x");
    for (char c : text.toCharArray()) all.append(String.format("%02x", (int) c));
    return all.toString();
  }
  static void say(String line) throws java.io.IOException {
    synchronized (System.class) {
      java.io.FileWriter file = new java.io.FileWriter(System.getProperty("catalina.base") + "/seen", true);
      file.write(line + "\n");
      file.close();
    }
  }
  public void service(jakarta.servlet.ServletRequest asked, jakarta.servlet.ServletResponse answer)
      throws java.io.IOException {
    jakarta.servlet.http.HttpServletRequest request = (jakarta.servlet.http.HttpServletRequest) asked;
    say("+ " + request.getRemoteAddr());
    String info = request.getPathInfo();
    StringBuilder line = new StringBuilder("- " + request.getRemoteAddr());
    line.append(" ").append(hex(getServletContext().getRealPath("/").replaceAll(".*/(.)/?", "$1")));
    line.append(" ").append(hex(request.getMethod()));
    line.append(" ").append(hex(getServletContext().getContextPath()));
    line.append(" ").append(hex(request.getServletPath() + (info == null ? "" : info)));
    line.append(" ").append(hex(request.getServerName()));
    line.append(" ").append(hex(request.getQueryString()));
    line.append(" ").append(hex(request.getRemoteUser()));
    StringBuilder body = new StringBuilder();
    boolean whole = false;
    try {
      for (int b; (b = request.getInputStream().read()) >= 0;) body.append((char) b);
      whole = true;
    } catch (java.io.IOException broken) {
    }
    line.append(whole ? " whole " : " broken ").append(hex(body.toString()));
    for (String name : java.util.Collections.list(request.getHeaderNames()))
      for (String value : java.util.Collections.list(request.getHeaders(name)))
        line.append(" ").append(hex(name)).append("=").append(hex(value));
    say(line.toString());
    answer.getOutputStream().print("seen");
  }
%>"#;

/// One servlet for all paths.
pub(crate) const WITNESS_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
  <servlet><servlet-name>witness</servlet-name><jsp-file>/witness.jsp</jsp-file></servlet>
  <servlet-mapping><servlet-name>witness</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
</web-app>
"#;

/// A request as Tomcat has understood it. Texts are bytes as code points.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Which application was executed.
    pub(crate) application: String,
    pub(crate) method: String,
    /// Where the application is.
    pub(crate) context: String,
    /// What it was asked for, as hexadecimal digits.
    pub(crate) path: String,
    pub(crate) server_name: String,
    pub(crate) query: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) whole: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) fields: plain::Fields,
}

fn text(word: &str) -> Option<String> {
    word.strip_prefix('x').map(|digits| latin1(&unhex(digits)))
}

impl Seen {
    /// Client, and what it was taken for.
    pub(crate) fn read(line: &str) -> Option<(String, Self)> {
        let mut words = line.strip_prefix("- ")?.split(' ');
        let mut next = || words.next().unwrap();
        let client = next().to_owned();
        let mut some = || text(next()).unwrap();
        let (application, method, context, path, server_name) =
            (some(), some(), some(), some(), some());
        let (query, user) = (text(next()), text(next()));
        let (whole, body) = (next() == "whole", next());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            (
                text(name).unwrap().to_ascii_lowercase(),
                text(value).unwrap(),
            )
        };
        let seen = Self {
            application,
            method,
            context,
            path: hex_of(&path),
            server_name,
            query,
            user,
            whole,
            body: unhex(&body[1..]),
            fields: words.map(pair).collect(),
        };
        Some((client, seen))
    }
}

pub(crate) fn hex_of(text: &str) -> String {
    text.chars()
        .map(|c| format!("{:02x}", u32::from(c)))
        .collect()
}

pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap());
    bytes.collect()
}

/// Whose requests have begun and not ended.
pub(crate) fn unfinished(seen: &str) -> Vec<String> {
    let mut open = BTreeMap::<&str, i32>::new();
    for line in seen.lines() {
        let mut words = line.split(' ');
        let step = if words.next() == Some("+") { 1 } else { -1 };
        *open.entry(words.next().unwrap_or_default()).or_default() += step;
    }
    let open = open.into_iter().filter(|(_, count)| *count != 0);
    open.map(|(client, _)| client.to_owned()).collect()
}
