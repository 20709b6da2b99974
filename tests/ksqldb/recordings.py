"""The exchanges recorded from a real ksqlDB 7.4, as requests and answers.

They lie beside the project (``../shared/ksqldb/wire``), under another licence, and are read from there.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

SHARED = Path(__file__).parents[2].parent / "shared" / "ksqldb"

# How the recorder names the end of a response, and what has to be done to end one like it.
ENDS = {
    "last-chunk": "last-chunk",
    "content-length": "length",
    "content-length 0": "length",
    "client-closed": "open",
    "recorder-gave-up-waiting (response still open)": "open",
    "server-closed-connection-before-end-of-body": "cut",
}


@dataclass(frozen=True)
class Answer:
    """What a server sends: the head, and the body in the pieces and with the pauses it is to be sent in.

    ``status`` is the status line without its version; "" if nothing at all is sent. ``wait`` is the pause before
    the head, each chunk has the pause before it; in seconds. ``end`` is one of "last-chunk" and "length" (the body
    is complete), "open" (until the client closes), "cut" (the connection is closed in mid body), "reset".
    """

    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[tuple[float, bytes], ...] = ()
    end: str = "length"
    wait: float = 0.0
    http: str = "HTTP/1.1"

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    @property
    def code(self) -> int:
        return int(self.status.split()[0])

    def rechunked(self, size: int) -> "Answer":
        """Return the same body in chunks of ``size`` bytes, whatever stands at their borders; no pauses."""
        body = self.body
        return replace(self, chunks=tuple((0.0, body[at : at + size]) for at in range(0, len(body), size)))

    def paced(self, factor: float) -> "Answer":
        """Return the answer with all pauses multiplied: 0 is as fast as possible, 1 as recorded."""
        chunks = tuple((pause * factor, data) for pause, data in self.chunks)
        return replace(self, chunks=chunks, wait=self.wait * factor)

    def ended(self, end: str) -> "Answer":
        """Return the answer with another end, for what no recorder saw."""
        return replace(self, end=end)


@dataclass(frozen=True)
class Asked:
    """A request as it was sent; ``headers`` are pairs."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def accept(self) -> str | None:
        return next((value for name, value in self.headers if name.lower() == "accept"), None)

    @property
    def sql(self) -> str | None:
        try:
            asked = json.loads(self.body)
        except ValueError:
            return None
        return asked.get("sql", asked.get("ksql")) if isinstance(asked, dict) else None


@dataclass(frozen=True)
class Recorded:
    """One exchange."""

    label: str
    request: Asked
    answer: Answer


def available() -> bool:
    return (SHARED / "wire").is_dir()


def recorded(name: str) -> list[Recorded]:
    """Return the HTTP/1 exchanges of a recording, by its number or its whole name.

    What went through another tool (HTTP/2, websocket) and what never reached the server is left out.
    """
    (path,) = (SHARED / "wire").glob(f"{name}.json" if "_" in name else f"{name}_*.json")
    exchanges = json.loads(path.read_text(encoding="utf-8"))["exchanges"]
    return [
        _exchange(one)
        for one in exchanges
        if "request" in one and not one["response"]["end"]["how"].startswith("exception")
    ]


def labelled(name: str, label: str) -> Recorded:
    """Return the first exchange of a recording whose label begins so."""
    return next(one for one in recorded(name) if one.label.startswith(label))


def _exchange(one) -> Recorded:
    request = one["request"]
    headers = tuple((name, value) for name, value in request["headers"])
    asked = Asked(request["method"], request["path"], headers, request["body"].encode())
    return Recorded(one["label"], asked, _answer(one["response"]))


def _answer(response) -> Answer:
    end = ENDS[response["end"]["how"]]
    if response["status_line"] is None:
        return Answer(status="", end=end)
    http, _, status = response["status_line"].partition(" ")
    chunks, before = [], response["t_headers"]
    for chunk in response["chunks"]:
        chunks.append((max(0.0, chunk["t"] - before), chunk["data"].encode()))
        before = chunk["t"]
    length = sum(len(data) for _, data in chunks)
    # A path was shortened in a few recordings: their content-length is no longer that of the body.
    headers = tuple(
        (name, str(length) if name.lower() == "content-length" else value)
        for name, value in response["headers"]
    )
    return Answer(status, headers, tuple(chunks), end, response["t_headers"], http)
