"""A real bucket server, and a proxy before it that spoils answers.

The bucket server speaks the protocol of Google's buckets (gcp-storage-emulator, in memory). It has no permissions,
and ignores generations and If-Range; the proxy before it adds what the real buckets do there, and the faults that a
test plans: refusals, cuts, stalls, corrupt bytes, replaced objects. Nothing of the code under test is replaced.
"""

import base64
import contextlib
import dataclasses
import http.client
import http.server
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from gcp_storage_emulator.server import create_server

BUCKET, FOLDER = "vit_models", "augreg"
NOWHERE = "http://127.0.0.1:1"  # a port on which nothing listens


@dataclasses.dataclass
class Bucket:
    """A bucket on a server.

    Attributes:
        url: of the server to talk to, as STORAGE_EMULATOR_HOST takes it.
        server_url: of the server itself, behind a proxy if there is one.
    """

    url: str
    server_url: str
    gs_url: str = f"gs://{BUCKET}/{FOLDER}"

    @property
    def http_url(self) -> str:
        """The same folder as an http bucket."""
        return f"{self.url}/{BUCKET}/{FOLDER}"

    def put(self, file_name: str, data: bytes, *, folder: str = FOLDER) -> None:
        """Store an object, such as "index.csv" or "NAME.npz", or replace it."""
        name = quote(f"{folder}/{file_name}", safe="")
        path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}"
        status, _, body = _ask(self.server_url, "POST", path, {"Content-Type": "application/octet-stream"}, data)
        assert status == 200, body

    def put_folder(self, folder: Path) -> None:
        """Store the index and the checkpoints of a folder."""
        for path in [*folder.glob("*.csv"), *folder.glob("*.npz")]:
            self.put(path.name, path.read_bytes())

    def remove(self, file_name: str) -> None:
        """Delete an object."""
        _ask(self.server_url, "DELETE", f"/storage/v1/b/{BUCKET}/o/{quote(f'{FOLDER}/{file_name}', safe='')}")

    def about(self, file_name: str) -> dict:
        """Give what the bucket says of an object: generation, size, crc32c."""
        return _metadata(self.server_url, BUCKET, f"{FOLDER}/{file_name}")

    def empty(self) -> None:
        """Delete all objects."""
        _ask(self.server_url, "GET", "/wipe?keep-buckets=true")

    def environment(self, **more: str) -> dict[str, str]:
        """Give the environment for a process that shall use this bucket."""
        return {**os.environ, "STORAGE_EMULATOR_HOST": self.url, "VIT_BUCKET": self.gs_url, **more}


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request that came to the proxy; the names of its headers in small letters."""

    method: str
    path: str
    query: dict
    range: str | None
    headers: dict
    is_media: bool
    status: int


@dataclasses.dataclass
class Fault:
    """What to do to the next `times` requests whose path matches."""

    kind: str
    match: str
    on: str
    times: float
    options: dict


class FaultProxy(Bucket):
    """A proxy before a bucket.

    Each of the planning methods takes `match`, a regular expression on the path ("" is all), `times` (how many
    requests, for ever by default for answers and once for spoilt bytes) and `on`: "media" (the bytes of objects),
    "metadata", or "any".

    Attributes:
        log: the requests so far, as `Asked`.
        plain: behave like the simplest of web servers: no ranges, no ETag, no date, no checksum.
        hidden: names of response headers to leave out.
        private: answer 401 to requests without credentials.
    """

    def __init__(self, server_url: str) -> None:
        self._server = _ProxyServer(("127.0.0.1", 0), _ProxyHandler)
        super().__init__(f"http://127.0.0.1:{self._server.server_port}", server_url)
        self._server.proxy = self
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget the plan and the log, and let go of stalled answers."""
        getattr(self, "released", threading.Event()).set()
        self.released = threading.Event()
        self.plan: list[Fault] = []
        self.log: list[Asked] = []
        self.plain = False
        self.hidden: set[str] = set()
        self.private = False

    def answer(self, status, *, match="", times=float("inf"), on="any", body=b"", **headers: str) -> None:
        """Answer in place of the server; headers by keyword, with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._add("answer", match, on, times, status=status, headers=named, body=body)

    def cut(self, *, after, match="", times=1, on="media") -> None:
        """Close the connection after so many bytes of the body."""
        self._add("cut", match, on, times, after=after)

    def stall(self, *, after, match="", times=1, on="media") -> None:
        """Send so many bytes of the body and then nothing; -1 sends no headers either."""
        self._add("stall", match, on, times, after=after)

    def corrupt(self, *, at, match="", times=1, on="media") -> None:
        """Change one byte."""
        self._add("corrupt", match, on, times, at=at)

    def shorten(self, *, by, match="", times=1, on="media") -> None:
        """Leave out the last bytes, and state the length that is left as if it were right."""
        self._add("shorten", match, on, times, by=by)

    def slow(self, *, bytes_per_s, match="", times=float("inf"), on="media") -> None:
        """Send the body at this speed."""
        self._add("slow", match, on, times, bytes_per_s=bytes_per_s)

    def replace(self, file_name, data, *, after, match="", times=1) -> None:
        """Send so many bytes, then replace the object in the bucket and close the connection; -1: before all else."""
        self._add("replace", match, "media", times, file_name=file_name, data=data, after=after)

    def media(self, file_name: str) -> list[Asked]:
        """Give the requests for the bytes of an object."""
        return [asked for asked in list(self.log) if asked.is_media and asked.path.endswith(f"/{file_name}")]

    def wait_for(self, count: int, *, on="media", timeout_s=10.0) -> None:
        """Wait until so many requests have come."""
        ends_at = time.monotonic() + timeout_s
        while sum(on == "any" or asked.is_media == (on == "media") for asked in list(self.log)) < count:
            assert time.monotonic() < ends_at, f"only {self.log} came"
            time.sleep(0.01)

    def take_fault(self, path: str, *, is_media: bool) -> Fault | None:
        """Give the fault for a request, and count it."""
        with self._lock:
            for fault in self.plan:
                applies = fault.on == "any" or (fault.on == "media") == is_media
                if applies and fault.times > 0 and re.search(fault.match, path):
                    fault.times -= 1
                    return fault
        return None

    def serve(self) -> None:
        """Answer requests until closed."""
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """Stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def _add(self, kind: str, match: str, on: str, times: float, **options: object) -> None:
        self.plan.append(Fault(kind, match, on, times, options))


class _ProxyServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FaultProxy

    def handle_error(self, request, client_address):
        """A client that went away is no error of the proxy."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its headers
    server: _ProxyServer

    def do_GET(self):
        """Pass a request on, and spoil the answer if that is the plan."""
        proxy, parts = self.server.proxy, urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        is_media = not path.startswith("/storage/") or query.get("alt") == ["media"]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        fault = proxy.take_fault(path, is_media=is_media)
        if fault is not None and fault.kind == "replace" and fault.options["after"] < 0:
            proxy.put(fault.options["file_name"], fault.options["data"])
            fault = None
        if fault is not None and fault.kind == "answer":
            answer = (fault.options["status"], fault.options["headers"], fault.options["body"])
        elif proxy.private and "Authorization" not in self.headers:
            answer = 401, {}, b"Anonymous caller does not have storage.objects.get access"
        else:
            answer = self._answer(path, query, is_media, body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        proxy.log.append(Asked(self.command, path, query, headers.get("range"), headers, is_media, answer[0]))
        self._send(answer, fault)

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 (the names that the base class calls)

    def log_message(self, *args):
        """Keep quiet."""

    def _answer(self, path, query, is_media, body):
        """Ask the server, and add what the real buckets do and it does not."""
        proxy = self.server.proxy
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "range")}
        about = _metadata(proxy.server_url, *_object_of(path)) if is_media and self.command == "GET" else {}
        if about and (refusal := self._precondition(about, query)):
            return refusal
        ranged = self.headers.get("Range")
        if ranged and not proxy.plain and self.headers.get("If-Range") in (None, _etag(about)):
            if about and int(re.match(r"bytes=(\d+)", ranged)[1]) >= int(about["size"]):
                return 416, {"Content-Range": f"bytes */{about['size']}"}, b""
            headers["Range"] = ranged
        status, answered, data = _ask(proxy.server_url, self.command, self.path, headers, body)
        kept = {name: answered[name] for name in ("Content-Type", "Content-Range", "Location") if name in answered}
        if about and status < 300 and not proxy.plain:
            kept |= {
                "ETag": _etag(about),
                "x-goog-hash": f"crc32c={about['crc32c']},md5={about['md5Hash']}",
                "x-goog-generation": about["generation"],
                "Accept-Ranges": "bytes",
            }
        return status, {name: value for name, value in kept.items() if name not in proxy.hidden}, data

    def _precondition(self, about, query):
        if query.get("generation", [about["generation"]]) != [about["generation"]]:
            return 404, {}, b"No such object"  # as of a bucket that keeps no old versions
        if not self.server.proxy.plain and self.headers.get("If-None-Match") == _etag(about):
            return 304, {"ETag": _etag(about)}, b""
        return None

    def _send(self, answer, fault):
        status, headers, data = answer
        kind, options = (fault.kind, fault.options) if fault else ("", {})
        if kind == "corrupt":
            data = bytearray(data)
            data[options["at"]] ^= 0x55
        if kind == "shorten":
            data = data[: -options["by"]]
        if kind == "stall" and options["after"] < 0:
            self._wait()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self._send_body(data, kind, options)

    def _send_body(self, data, kind, options):
        if kind == "slow":
            for start in range(0, len(data), block := max(1, int(options["bytes_per_s"] / 20))):
                self.wfile.write(data[start : start + block])
                if self.server.proxy.released.wait(0.05):
                    return
        elif kind in ("cut", "stall", "replace"):
            self.wfile.write(data[: options["after"]])
            self.close_connection = True
            if kind == "stall":
                self._wait()
            if kind == "replace":
                self.server.proxy.put(options["file_name"], options["data"])
        else:
            self.wfile.write(data)

    def _wait(self):
        self.close_connection = True
        self.server.proxy.released.wait(60)


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@contextlib.contextmanager
def running_proxy(server_url: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(server_url)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def _ask(server_url, method, path, headers=None, body=None):
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server_url).netloc, timeout=30)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def _metadata(server_url, bucket, name) -> dict:
    status, _, body = _ask(server_url, "GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
    return json.loads(body) if status == 200 else {}


def _object_of(path) -> tuple[str, str]:
    """Give the bucket and the object that a path is about."""
    match = re.fullmatch(r"/(?:download/)?storage/v1/b/([^/]+)/o/(.+)", path) or re.fullmatch(r"/([^/]+)/(.+)", path)
    return (match[1], match[2]) if match else ("", "")


def _etag(about) -> str | None:
    return f'"{base64.b64decode(about["md5Hash"]).hex()}"' if about else None
