"""A server on loopback that keeps files: over HTTP, and as S3 keeps objects."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What was asked for, and how much was given."""

    method: str
    path: str
    range: str | None
    given: int = 0


@dataclass
class Served:
    """Files by their paths, and how the server behaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    #: Whether parts can be asked for.
    has_ranges: bool = True
    #: Answers to give first, by path: a status each.
    failures: dict[str, list[int]] = field(default_factory=dict)
    #: Where paths lead.
    redirects: dict[str, str] = field(default_factory=dict)
    #: Bodies that are cut off after that many bytes, once each.
    cuts: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    aborted: int = 0
    address: str = ""

    @property
    def given(self) -> int:
        """All bytes that were given."""
        return sum(request.given for request in self.requests)


@contextmanager
def serving(**behaviour: Any) -> Iterator[Served]:
    """Serve on a port of loopback that is free."""
    served = Served(**behaviour)
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _start(self) -> tuple[str, dict[str, list[str]], Request]:
        url = urlsplit(self.path)
        request = Request(self.command, self.path, self.headers.get("Range"))
        self.served.requests.append(request)
        return url.path, parse_qs(url.query, keep_blank_values=True), request

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        path, _, request = self._start()
        if self.served.failures.get(path):
            return self._answer(self.served.failures[path].pop(0), b"not now")
        if path in self.served.redirects:
            return self._answer(302, Location=self.served.redirects[path])
        data = self.served.files.get(path)
        if data is None:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        wanted = self.headers.get("If-Match")
        if wanted is not None and wanted != etag:
            return self._answer(412)
        headers = {"ETag": etag, "Last_Modified": "Tue, 01 Dec 2026 00:00:00 GMT"}
        if request.range is None or not self.served.has_ranges:
            request.given = len(data)
            return self._body(path, 200, data, headers)
        start, _, end = request.range.removeprefix("bytes=").partition("-")
        if int(start) >= len(data):
            return self._answer(416, Content_Range=f"bytes */{len(data)}")
        part = data[int(start) : int(end) + 1 if end else None]
        request.given = len(part)
        last = int(start) + len(part) - 1
        headers["Content_Range"] = f"bytes {start}-{last}/{len(data)}"
        return self._body(path, 206, part, headers)

    def _body(self, path: str, status: int, body: bytes, headers: dict[str, str]) -> None:
        cut = self.served.cuts.pop(path, None) if len(body) > 1 else None
        if cut is None or self.command == "HEAD":
            return self._answer(status, body, **headers)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = True
        return None

    do_HEAD = do_GET  # noqa: N815 -- the library's name

    def do_PUT(self) -> None:
        path, query, _ = self._start()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.served.failures.get(path):
            return self._answer(self.served.failures[path].pop(0), b"not now")
        if "uploadId" in query:
            self.served.uploads[query["uploadId"][0]][int(query["partNumber"][0])] = body
        else:
            self.served.files[path] = body
        return self._answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def do_POST(self) -> None:
        path, query, _ = self._start()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "uploads" in query:
            upload = str(len(self.served.uploads))
            self.served.uploads[upload] = {}
            return self._xml("InitiateMultipartUploadResult", Bucket="b", Key=path, UploadId=upload)
        parts = self.served.uploads.pop(query["uploadId"][0])
        self.served.files[path] = b"".join(parts[number] for number in sorted(parts))
        return self._xml(
            "CompleteMultipartUploadResult", Location=path, Bucket="b", Key=path, ETag='"x"'
        )

    def do_DELETE(self) -> None:
        _, query, _ = self._start()
        if "uploadId" in query:
            self.served.uploads.pop(query["uploadId"][0], None)
            self.served.aborted += 1
        self._answer(204)

    def _xml(self, name: str, **fields: str) -> None:
        inner = "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())
        self._answer(200, f"<{name}>{inner}</{name}>".encode(), Content_Type="application/xml")
