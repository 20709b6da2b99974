"""A schema registry at the socket: Confluent's API, as far as it is read here."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class FakeRegistry:
    """Holds schemas by id and by subject; ``asked`` are the paths of all requests."""

    def __init__(self):
        self.by_id = {}
        self.subjects = {}
        self.user_info = None
        self.status = None
        self.asked = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                registry.asked.append(self.path)
                status, answer = registry.answer(
                    self.path.partition("?")[0], self.headers.get("Authorization")
                )
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def register(self, subject, schema, kind="AVRO", references=()):
        """Add a version of a subject and return its id."""
        number = len(self.by_id) + 1
        text = schema if isinstance(schema, str) else json.dumps(schema)
        answer = {"schema": text, "references": list(references), "id": number}
        if kind != "AVRO":
            answer["schemaType"] = kind
        self.by_id[number] = answer
        self.subjects.setdefault(subject, []).append(answer)
        return number

    def answer(self, path, authorization):
        if self.status:
            return self.status, {}
        if self.user_info and authorization != "Basic " + base64.b64encode(self.user_info.encode()).decode():
            return 401, {"error_code": 401}
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[:2] == ["schemas", "ids"] and int(parts[2]) in self.by_id:
            return 200, self.by_id[int(parts[2])]
        if parts[0] == "subjects" and parts[1] in self.subjects:
            versions = self.subjects[parts[1]]
            return 200, versions[-1 if parts[3] == "latest" else int(parts[3]) - 1]
        return 404, {"error_code": 40401}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def framed(number, data):
    """Return data in Confluent's wire format."""
    return b"\0" + number.to_bytes(4, "big") + data
