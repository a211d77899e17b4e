# usage: PORT METHOD PATH[?QUERY] SIZE SECRET: one request by AJPy, its answer on standard output.
import io
import socket
import sys

from ajpy.ajp import AjpBodyRequest, AjpForwardRequest, AjpResponse

port, method, target, size, secret = sys.argv[1:]
path, _, query = target.partition("?")
body = bytes(i % 251 for i in range(int(size)))

request = AjpForwardRequest(AjpForwardRequest.SERVER_TO_CONTAINER)
request.method = AjpForwardRequest.REQUEST_METHODS[method]
request.protocol = "HTTP/1.1"
request.req_uri = path
request.remote_addr = "127.0.0.1"
request.remote_host = None
request.server_name = "test"
request.server_port = 80
request.is_ssl = False
request.request_headers = {"SC_REQ_HOST": "test", "SC_REQ_CONTENT_LENGTH": str(len(body))}
request.attributes = []
if query:
    request.attributes.append({"name": "query_string", "value": query})
if secret:
    request.attributes.append({"name": "secret", "value": secret})

connection = socket.create_connection(("127.0.0.1", int(port)), 60)
stream = connection.makefile("rb")
if method != "POST":
    answers = request.send_and_receive(connection, stream)
else:
    # AJPy leaves the rest of a POST to its caller: the body, packet by packet as it is asked for.
    connection.sendall(request.serialize())
    data = AjpBodyRequest(io.BytesIO(body), len(body), AjpBodyRequest.SERVER_TO_CONTAINER)
    connection.sendall(data.serialize())
    answers = []
    while not answers or answers[-1].prefix_code != AjpResponse.END_RESPONSE:
        answer = AjpResponse.receive(stream)
        if answer.prefix_code == AjpResponse.GET_BODY_CHUNK:
            connection.sendall(data.serialize())
        else:
            answers.append(answer)

head, end = answers[0], answers[-1]
print(head.http_status_code, end.reuse, head.http_status_msg.decode())
sys.stdout.flush()
for answer in answers[1:-1]:
    sys.stdout.buffer.write(answer.data[:-1])
