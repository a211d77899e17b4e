import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Collections;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;

/** Does what a conformance test asks for; the first segment of the path info names it. */
@SuppressWarnings("serial")
public class Lab extends HttpServlet {
  private static final ConcurrentHashMap<String, String> NOTES = new ConcurrentHashMap<>();

  @Override
  protected void service(HttpServletRequest q, HttpServletResponse r) throws IOException {
    String path = q.getPathInfo() == null ? "/" : q.getPathInfo();
    String what = path.split("/").length > 1 ? path.split("/")[1] : "";
    switch (what) {
      case "snoop": snoop(q, r); break;
      case "read": read(q, r); break;
      case "available": available(q, r); break;
      case "some": some(q, r); break;
      case "echo": echo(q, r); break;
      case "early": early(q, r); break;
      case "bytes": bytes(q, r); break;
      case "flush": flush(r); break;
      case "status": status(q, r); break;
      case "length": length(q, r); break;
      case "headers": headers(q, r); break;
      case "crlf": crlf(r); break;
      case "invalid-header": invalidHeader(r); break;
      case "throw-late": throwLate(r); break;
      case "large-header": r.setHeader("X-Large", "x".repeat(9000)); break;
      case "slow": slow(q, r); break;
      case "note": note(q, r); break;
      case "async": async(q); break;
      case "form": r.getWriter().print("name=" + q.getParameter("name")); break;
      default: r.sendError(404);
    }
  }

  private static void snoop(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.setContentType("text/plain");
    r.setCharacterEncoding("ISO-8859-1");
    PrintWriter w = r.getWriter();
    w.println("method=" + q.getMethod());
    w.println("uri=" + q.getRequestURI());
    w.println("query=" + q.getQueryString());
    w.println("protocol=" + q.getProtocol());
    w.println("scheme=" + q.getScheme());
    w.println("secure=" + q.isSecure());
    w.println("server_name=" + q.getServerName());
    w.println("server_port=" + q.getServerPort());
    w.println("local_addr=" + q.getLocalAddr());
    w.println("remote_addr=" + q.getRemoteAddr());
    w.println("remote_host=" + q.getRemoteHost());
    w.println("remote_port=" + q.getRemotePort());
    w.println("remote_user=" + q.getRemoteUser());
    w.println("auth_type=" + q.getAuthType());
    w.println("session=" + q.getRequestedSessionId());
    w.println("activation=" + q.getAttribute("JK_LB_ACTIVATION"));
    w.println("myattribute=" + q.getAttribute("MYATTRIBUTE"));
    w.println("cipher=" + q.getAttribute("jakarta.servlet.request.cipher_suite"));
    w.println("key_size=" + q.getAttribute("jakarta.servlet.request.key_size"));
    w.println("ssl_session=" + q.getAttribute("jakarta.servlet.request.ssl_session_id"));
    w.println("tls_version="
        + q.getAttribute("org.apache.tomcat.util.net.secure_protocol_version"));
    Object[] chain = (Object[]) q.getAttribute("jakarta.servlet.request.X509Certificate");
    w.println("certificates=" + (chain == null ? 0 : chain.length));
    for (String name : Collections.list(q.getHeaderNames())) {
      for (String value : Collections.list(q.getHeaders(name))) {
        w.println("header:" + name + "=" + value);
      }
    }
  }

  private static void report(HttpServletResponse r, long n, CRC32 crc) throws IOException {
    r.setContentType("text/plain");
    r.getWriter().print("read=" + n + " crc=" + Long.toHexString(crc.getValue()));
  }

  private static void read(HttpServletRequest q, HttpServletResponse r) throws IOException {
    CRC32 crc = new CRC32();
    byte[] b = new byte[8192];
    long n = 0;
    try {
      ServletInputStream in = q.getInputStream();
      for (int k; (k = in.read(b)) >= 0; n += k) {
        crc.update(b, 0, k);
      }
      NOTES.put(String.valueOf(q.getParameter("id")), "eof after " + n);
    } catch (IOException e) {
      NOTES.put(String.valueOf(q.getParameter("id")), "exception after " + n);
      throw e;
    }
    report(r, n, crc);
  }

  private static void available(HttpServletRequest q, HttpServletResponse r) throws IOException {
    int n = q.getInputStream().available();
    q.getInputStream().read();
    r.setContentType("text/plain");
    r.getWriter().print("available=" + n);
  }

  private static void some(HttpServletRequest q, HttpServletResponse r) throws IOException {
    int wanted = Integer.parseInt(q.getParameter("n"));
    int got = 0;
    while (got < wanted && q.getInputStream().read() >= 0) {
      got++;
    }
    r.setContentType("text/plain");
    r.getWriter().print("got=" + got);
  }

  private static void echo(HttpServletRequest q, HttpServletResponse r) throws IOException {
    ServletOutputStream out = r.getOutputStream();
    byte[] b = new byte[4096];
    for (int k; (k = q.getInputStream().read(b)) >= 0; ) {
      out.write(b, 0, k);
    }
  }

  private static void early(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.setContentType("text/plain");
    r.getWriter().print("before ");
    r.flushBuffer();
    long n = 0;
    byte[] b = new byte[4096];
    for (int k; (k = q.getInputStream().read(b)) >= 0; ) {
      n += k;
    }
    r.getWriter().print("after " + n);
  }

  private static void bytes(HttpServletRequest q, HttpServletResponse r) throws IOException {
    int n = Integer.parseInt(q.getParameter("n"));
    byte[] b = new byte[n];
    for (int i = 0; i < n; i++) {
      b[i] = (byte) (i % 251);
    }
    r.setContentType("application/octet-stream");
    r.getOutputStream().write(b);
  }

  private static void flush(HttpServletResponse r) throws IOException {
    r.flushBuffer();
    r.getOutputStream().print("one");
    r.flushBuffer();
    r.flushBuffer();
    r.getOutputStream().print("two");
    r.flushBuffer();
  }

  private static void status(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.setStatus(Integer.parseInt(q.getParameter("s")));
    if (q.getParameter("silent") == null) {
      r.getOutputStream().print("a body text!");
    }
    if (q.getParameter("flush") != null) {
      r.flushBuffer();
    }
  }

  private static void length(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.setContentLength(Integer.parseInt(q.getParameter("announced")));
    r.getOutputStream().write(new byte[Integer.parseInt(q.getParameter("sent"))]);
  }

  private static void headers(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.setContentType("text/plain");
    r.setHeader("Content-Language", "en");
    r.setHeader("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    r.setHeader("Last-Modified", "Thu, 01 Jan 1970 00:00:01 GMT");
    r.setHeader("Location", "/elsewhere");
    r.addHeader("Set-Cookie", "a=1");
    r.addHeader("Set-Cookie", "b=2");
    r.setHeader("Set-Cookie2", "c=3");
    r.setHeader("Servlet-Engine", "lab");
    r.setHeader("Status", "fine");
    r.setHeader("WWW-Authenticate", "Basic realm=\"x\"");
    r.setHeader("x-lower", "case");
    r.getOutputStream().print("ok");
  }

  private static void crlf(HttpServletResponse r) throws IOException {
    r.setHeader("X-Split", "a\r\nX-Injected: yes");
    r.getOutputStream().print("ok");
  }

  private static void invalidHeader(HttpServletResponse r) throws IOException {
    r.setHeader("X-Before", "1");
    r.setHeader("X-Bad", "\u4e00");
    r.setHeader("X-After", "2");
    r.flushBuffer();
  }

  private static void throwLate(HttpServletResponse r) throws IOException {
    r.getOutputStream().print("part");
    r.flushBuffer();
    throw new IllegalStateException("after the response was committed");
  }

  private static void slow(HttpServletRequest q, HttpServletResponse r) throws IOException {
    try {
      Thread.sleep(Long.parseLong(q.getParameter("ms")));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    r.getOutputStream().print("slept");
  }

  private static void note(HttpServletRequest q, HttpServletResponse r) throws IOException {
    r.getWriter().print(NOTES.getOrDefault(q.getParameter("id"), "none"));
  }

  private static void async(HttpServletRequest q) {
    AsyncContext context = q.startAsync();
    context.start(() -> {
      try {
        context.getResponse().getOutputStream().print("async");
      } catch (IOException e) {
        throw new IllegalStateException(e);
      } finally {
        context.complete();
      }
    });
  }
}
