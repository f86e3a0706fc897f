"""A server that speaks the protocol of the Hugging Face Hub, for huggingface_hub itself as the client.

Answers what huggingface_hub asks (its `hf_api.py` and `utils/_http.py` say which headers and codes it goes by):
`/api/models/REPO[/revision/REV]`, and `/REPO/resolve/REV/FILE`, which redirects large files to a second server, the
"CDN", on another port. Faults are planned by a test. Nothing of the code under test is replaced.
"""

import contextlib
import dataclasses
import hashlib
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

_LARGE = (".safetensors", ".npz", ".bin")


@dataclasses.dataclass
class Repo:
    """A repository: the files of each commit, and which commit each branch is."""

    commits: dict[str, dict[str, bytes]]
    branches: dict[str, str]
    gated: bool = False
    private: bool = False


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request; `on` is "hub" or "cdn"."""

    on: str
    method: str
    path: str
    authorization: str | None
    range: str | None


class Hub:
    """The hub and its CDN.

    Attributes:
        url: for HF_ENDPOINT.
        cdn_url: of the server that large files come from.
        token: the only one that is valid.
        log: the requests so far.
        faults: what happens to the next answers of the CDN, in order: ("cut", n), ("stall", n), ("corrupt", at),
            ("ignore range", 0), ("too much", n).
        hub_answers: statuses with which the hub answers the next requests instead of the truth; 0 is no answer.
        refusals: the answers to the next requests of the hub that end so: (ending, status, headers).
        cdn_answers: statuses with which the CDN answers the next requests instead of the bytes.
        redirect_to: where large files are said to lie, None for the CDN.
        bytes_per_s: speed of the CDN.
    """

    token = "hf_ThisIsSecret0123456789"

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.log: list[Asked] = []
        self.faults: list[tuple[str, int]] = []
        self.hub_answers: list[int] = []
        self.refusals: list[tuple[str, int, dict[str, str]]] = []
        self.cdn_answers: list[int] = []
        self.redirect_to: str | None = None
        self.bytes_per_s: float = float("inf")
        self.released = threading.Event()
        self._servers = [_Server(self, on) for on in ("hub", "cdn")]
        self.url, self.cdn_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def put(self, repo: str, files: dict[str, bytes], *, branch: str = "main", **about: bool) -> str:
        """Commit files to a branch, all others there gone; give the commit."""
        digest = hashlib.sha1(usedforsecurity=False)
        for name, data in sorted(files.items()):
            digest.update(name.encode() + data)
        commit = digest.hexdigest()
        entry = self.repos.setdefault(repo, Repo({}, {}))
        entry.commits[commit] = dict(files)
        entry.branches[branch] = commit
        entry.gated, entry.private = about.get("gated", False), about.get("private", False)
        return commit

    def requests(self, ending: str, *, on: str = "hub") -> list[Asked]:
        """Give the requests to one of the two whose path ends so."""
        return [asked for asked in list(self.log) if asked.on == on and asked.path.endswith(ending)]

    def wait_for(self, on: str, timeout_s: float = 20.0) -> None:
        """Wait until the "hub" or the "cdn" was asked for something."""
        ends_at = time.monotonic() + timeout_s
        while not any(asked.on == on for asked in list(self.log)):
            assert time.monotonic() < ends_at, f"nobody asked the {on}"
            time.sleep(0.01)

    def close(self) -> None:
        """Stop both."""
        self.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a hub without repositories."""
    hub = Hub()
    try:
        yield hub
    finally:
        hub.close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub, on: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub, self.on = hub, on
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        sent = self.headers.get("Authorization")
        hub.log.append(Asked(self.server.on, self.command, path, sent, self.headers.get("Range")))
        if self.server.on == "cdn" and hub.cdn_answers:
            self._answer(hub.cdn_answers.pop(0), b"no")
        elif self.server.on == "cdn":
            self._give_bytes(path)
        elif hub.refusals and path.endswith(hub.refusals[0][0]):
            _, status, headers = hub.refusals.pop(0)
            self._answer(status, b"no", headers)
        elif hub.hub_answers:
            status = hub.hub_answers.pop(0)
            if status == 0:
                hub.released.wait(60)
            self._answer(status or 503, b"not now")
        else:
            self._answer_as_hub(path, sent)

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def log_message(self, *_):
        pass

    def _answer_as_hub(self, path, sent):
        hub = self.server.hub
        if sent and sent != f"Bearer {hub.token}":
            return self._refuse(401, "", "Invalid credentials in Authorization header")
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/(.+?)/([^/]+)", path)
        if not (api or file):
            return self._answer(404, b"no such page")
        asked = api or file
        repo = hub.repos.get(asked[1])
        if repo is None or (repo.private and not sent):
            return self._refuse(404 if sent else 401, "RepoNotFound", "Repository not found")
        revision = asked[2] or "main"
        commit = repo.branches.get(revision, revision)
        if commit not in repo.commits:
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if api:
            return self._answer(200, json.dumps(_about(asked[1], commit, repo)).encode(), {"X-Repo-Commit": commit})
        return self._give_file(repo, commit, file[3], sent)

    def _give_file(self, repo, commit, name, sent):
        hub = self.server.hub
        if repo.gated and not sent:
            return self._refuse(401, "GatedRepo", "Access to model is restricted.")
        data = repo.commits[commit].get(name)
        if data is None:
            return self._refuse(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not name.endswith(_LARGE):
            return self._answer(200, data, headers | {"ETag": f'"{_git_id(data)}"'})
        digest = hashlib.sha256(data).hexdigest()
        headers |= {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(data))}
        target = hub.redirect_to or f"{hub.cdn_url}/repos/{digest}?X-Signature=secret-of-the-cdn"
        return self._answer(302, b"", headers | {"Location": target})

    def _give_bytes(self, path):
        hub = self.server.hub
        data = next(
            (
                data
                for repo in hub.repos.values()
                for files in repo.commits.values()
                for data in files.values()
                if hashlib.sha256(data).hexdigest() == path.rpartition("/")[2]
            ),
            None,
        )
        if data is None:
            return self._answer(403, b"signature expired")
        kind, place = hub.faults.pop(0) if hub.faults else ("", 0)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(asked[1]) if asked and kind != "ignore range" else 0
        if kind == "corrupt":
            data = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        if kind == "too much":
            data += bytes(place)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{path.rpartition("/")[2]}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        return self._send(data[start:], kind, place)

    def _send(self, data, kind, place):
        hub = self.server.hub
        if kind in ("cut", "stall"):
            self.wfile.write(data[:place])
            self.close_connection = True
            if kind == "stall":
                hub.released.wait(60)
            return
        block = len(data) if hub.bytes_per_s == float("inf") else max(1, int(hub.bytes_per_s / 50))
        for start in range(0, len(data), block):
            self.wfile.write(data[start : start + block])
            if block < len(data) and hub.released.wait(0.02):
                return

    def _refuse(self, status, code, message):
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._answer(status, json.dumps({"error": message}).encode(), headers)

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _about(name, commit, repo):
    return {
        "_id": "0" * 24,
        "id": name,
        "modelId": name,
        "sha": commit,
        "private": repo.private,
        "gated": "auto" if repo.gated else False,
        "siblings": [_sibling(file, data) for file, data in repo.commits[commit].items()],
    }


def _sibling(file, data):
    about = {"rfilename": file, "size": len(data), "blobId": _git_id(data)}
    if file.endswith(_LARGE):
        about["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return about


def _git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
