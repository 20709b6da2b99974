"""Stand-ins at the socket, for what the real gateway can't be made to do."""

import contextlib
import http.client
import http.server
import json
import threading
from urllib.parse import urlsplit


@contextlib.contextmanager
def serving(handler):
    """Serve HTTP on loopback with a handler class; yields the URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Answering(http.server.BaseHTTPRequestHandler):
    """A handler with the little that all stand-ins need."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def always(status, body, content_type):
    """Return a handler that gives everybody the same answer."""

    class Always(Answering):
        def do_GET(self):
            self.read_body()
            self.answer(status, body, content_type)

        do_POST = do_DELETE = do_GET

    return Always


class NeverReady(Answering):
    """A gateway that takes every statement and is never done with it."""

    def do_GET(self):
        self.read_body()
        if self.path == "/api_versions":
            self.answer(200, {"versions": ["V1", "V2", "V3"]})
        else:
            self.answer(200, {"resultType": "NOT_READY", "nextResultUri": self.path})

    def do_POST(self):
        self.read_body()
        self.answer(
            200, {"operationHandle": "o"} if self.path.endswith("statements") else {"sessionHandle": "s"}
        )

    def do_DELETE(self):
        self.read_body()
        self.answer(200, {"status": "CLOSED"})


def proxy(target, *, before=lambda _method, _path: None, after=lambda _method, _path: None):
    """Return a handler that passes everything on to ``target``.

    ``before`` is called when a request has come, ``after`` when its answer has, before it is passed on:
    both may wait, and both may raise ConnectionError to drop the connection.
    """
    address = urlsplit(target)

    class Proxy(Answering):
        def pass_on(self):
            body = self.read_body()
            try:
                before(self.command, self.path)
                connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
                connection.request(
                    self.command, self.path, body, {"Content-Type": "application/json"} if body else {}
                )
                response = connection.getresponse()
                status, data = response.status, response.read()
                connection.close()
                after(self.command, self.path)
                self.answer(status, data)
            except ConnectionError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = do_PATCH = pass_on

    return Proxy
