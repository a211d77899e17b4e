<%@page contentType="text/html;charset=UTF-8" trimDirectiveWhitespaces="true"%><%
  Integer count = (Integer) session.getAttribute("count");
  count = (count == null) ? 1 : count + 1;
  session.setAttribute("count", count);
%><!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Session counter</title></head>
<body>
<h1>Request <%= count %> of this session, served by <%= System.getProperty("node") %></h1>
<p>Session <code><%= session.getId() %></code>, <%= session.isNew() ? "new" : "known" %>.</p>
<p>Reload: the same Tomcat answers. Stop that Tomcat (process <%= ProcessHandle.current().pid() %>) and
reload again: the other one goes on counting where it left off.</p>
</body>
</html>
