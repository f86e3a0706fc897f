"""Where an object lies: names, buckets and URLs, checked; opens nothing.

Knows how a name becomes a URL in each kind of bucket, which names and URLs are refused, and how a URL is shown to a
person without what is secret in it.
"""

import dataclasses
import hashlib
import ipaddress
import re
import socket
from collections.abc import Collection
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from vit_core.errors import BadInput, BadSetting, ObjectMissing, UnknownName, quoted, shorten
from vit_core.settings import Settings, parse_path

PUBLIC_HOST = "storage.googleapis.com"
# A file name on disk may have 255 bytes; the suffixes of the cache's own files take some of them.
LONGEST_NAME_BYTES = 200
LONGEST_URL = 2000
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_NAME = re.compile(r"\w[\w.+=,@~() -]*")
# Stands before the name of a finished run wherever a checkpoint is named.
RUN_PREFIX = "run:"
_RUN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclasses.dataclass(frozen=True)
class Location:
    """Where one object lies.

    Attributes:
        name: the object's name without its suffix.
        url: `gs://…`, `http(s)://…`, or an absolute path as text.
        kind: which of the three; "hub" for what is read from the Hugging Face Hub.
        shelf: its folder in the cache where that does not follow from the bucket: of an address that a person gave
            (`name` is that address then), or of a repository of the hub.
    """

    name: str
    url: str
    kind: Literal["gs", "http", "file", "hub"]
    shelf: str = ""

    @property
    def path(self) -> Path:
        """The path of a location of kind "file"."""
        return Path(self.url)

    @property
    def place(self) -> str:
        """What holds it, for a message."""
        if self.kind == "hub":
            return "the hub"
        return "its server" if self.shelf and self.kind == "http" else "the bucket"

    @property
    def shown(self) -> str:
        """The URL for a message, without credentials or query."""
        return shown_url(self.url)


@dataclasses.dataclass(frozen=True)
class HubFile(Location):
    """One file of a repository of the Hugging Face Hub, at one commit; `name` is `hf:OWNER/REPO`.

    Attributes:
        commit: 40 hexadecimal digits.
        size: bytes, None where the hub does not say.
        digest: "sha256:HEX" or "git:HEX", None where the hub does not say.
    """

    commit: str = ""
    size: int | None = None
    digest: str | None = None


def object_location(bucket: str, name: str, suffix: str = ".npz") -> Location:
    """Give the location of the object `name` + `suffix` in `bucket`.

    Args:
        bucket: `gs://BUCKET/FOLDER`, `http(s)://HOST/FOLDER`, `file:///FOLDER` or a folder.
        name: the object's name, one path component.
        suffix: ".npz" for a checkpoint, ".csv" for an index.

    Raises:
        BadInput: the name cannot be an object of a bucket.
        BadSetting: the bucket is of no known kind.

    Example:
        >>> object_location("gs://vit_models/augreg", "Ti_16-i21k").url
        'gs://vit_models/augreg/Ti_16-i21k.npz'
        >>> object_location("https://host/x", "a+b").url
        'https://host/x/a%2Bb.npz'
    """
    checked = check_name(name)
    where = bucket_location(bucket)
    if where.kind == "gs":
        return Location(checked, f"{where.url.rstrip('/')}/{checked}{suffix}", "gs")
    if where.kind == "file":
        return Location(checked, str(where.path / f"{checked}{suffix}"), "file")
    parts = urlsplit(where.url)
    path = f"{parts.path.rstrip('/')}/{quote(checked + suffix, safe='')}"
    return Location(checked, urlunsplit(parts._replace(path=path)), "http")


def run_location(runs_dir: Path, name: str) -> Location:
    """Give the location of the model that a run leaves when it is done.

    Args:
        runs_dir: folder of the runs.
        name: "run:NAME".

    Raises:
        BadInput: no run can have that name.
        ObjectMissing: there is no such run, or it has no result yet.
    """
    run = name.removeprefix(RUN_PREFIX)
    if not _RUN_NAME.fullmatch(run):
        raise BadInput(
            f"{quoted(name)} names no run: after {RUN_PREFIX!r} stands the name of a run, at most 64 of a to z, "
            "0 to 9, '-' and '_'."
        )
    location = Location(name, str(runs_dir / run / "result" / "model.npz"), "file")
    if location.path.is_file():
        return location
    if not (runs_dir / run).is_dir():
        known = sorted(path.name for path in runs_dir.glob("*") if _RUN_NAME.fullmatch(path.name))
        raise ObjectMissing(str(UnknownName.among("run", run, known)))
    raise ObjectMissing(f"The run {run!r} has no result yet; `vit-explorer runs show {run}` says how far it is.")


def bucket_location(bucket: str) -> Location:
    """Give the location of a bucket, or of any URL or path that the operator set.

    Raises:
        BadSetting: of no known kind, or not well formed.
    """
    text = bucket.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Location(Path(text).name, str(parse_path("The bucket", text).absolute()), "file")
    if scheme == "file" and rest.startswith("/"):
        return Location(Path(unquote(rest)).name, unquote(rest), "file")
    name = rest.rstrip("/").rpartition("/")[2]
    if scheme == "gs" and re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?", rest):
        return Location(name, text, "gs")
    if scheme in ("http", "https") and _host(text):
        return Location(name, text, "http")
    raise BadSetting(
        f"The bucket {shorten(shown_url(text))!r} is of no known kind; "
        "use gs://BUCKET/FOLDER, https://HOST/FOLDER or the path of a folder."
    )


def check_name(name: str) -> str:
    """Give back the name of an object if it can be one.

    Raises:
        BadInput: empty, too long, or with a character that a name may not have.
    """
    if not name.strip():
        raise BadInput("The name of the checkpoint is empty; give a name of the catalogue or the path of an .npz file.")
    size = len(name.encode("utf-8", errors="replace"))
    if size > LONGEST_NAME_BYTES:
        raise BadInput(
            f"The name {shorten(name, 60)!r} has {size} bytes; the name of a checkpoint has at most "
            f"{LONGEST_NAME_BYTES}."
        )
    if ".." in name or name != name.strip() or not _NAME.fullmatch(name):
        raise BadInput(
            f"{quoted(name)} cannot be the name of a checkpoint: a name has letters, digits and any of _ . + - = , "
            "and neither '/' nor '..'."
        )
    return name


def check_public_url(url: str, *, allowed_hosts: Collection[str] = ()) -> str:
    """Give back a URL that a user of a page typed, if this server may open it.

    Only https and only hosts on a list: a page must not become a way to read files or inner addresses of its server.

    Args:
        url: what was typed.
        allowed_hosts: further hosts, such as those of `operator_hosts`.

    Raises:
        BadInput: refused; the message repeats no credentials and no query.

    Example:
        >>> check_public_url("https://storage.googleapis.com/vit_models/augreg/index.csv")
        'https://storage.googleapis.com/vit_models/augreg/index.csv'
    """
    text = url.strip()
    if len(text) > LONGEST_URL or re.search(r"[\s\\\x00-\x1f\x7f]", text):
        raise BadInput(f"The address {shorten(shown_url(text), 60)!r} is not a URL: too long, or has blanks in it.")
    scheme = text.partition("://")[0].lower() if "://" in text else text.partition(":")[0].lower()
    if scheme != "https":
        raise BadInput(
            f"{shorten(shown_url(text), 60)!r} is refused: only https:// addresses are opened here "
            f"(an object of a public Google bucket is https://{PUBLIC_HOST}/BUCKET/NAME)."
        )
    hosts = {PUBLIC_HOST, *(host.lower() for host in allowed_hosts)}
    _check_host(text, hosts)
    if ".." in unquote(urlsplit(text).path).split("/"):
        raise BadInput(f"{shorten(shown_url(text))!r} is refused: an address may not contain '..'.")
    return text


def operator_hosts(settings: Settings) -> frozenset[str]:
    """Give the hosts that the operator named, by the bucket, the index or VIT_ALLOWED_HOSTS: pages may open these."""
    urls = [url for url in (settings.bucket, settings.index) if url and url.startswith("https://")]
    return frozenset({*settings.allowed_hosts, *(host for host in map(_host, urls) if host)})


def shelf_for(what: str, key: str) -> str:
    """Give the name of a folder of the cache for what is known by `key`; no other key gets the same.

    Example:
        >>> shelf_for("", "gs://vit_models/augreg")
        'gs_vit_models_augreg-6685464313aea0fe'
    """
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{what}{re.sub(r'[^A-Za-z0-9.-]+', '_', shown_url(key))[:60]}-{digest}"


def shown_url(url: str) -> str:
    """Give a URL for a message: without user, password, query and fragment, any of which may be a secret.

    Example:
        >>> shown_url("https://me:word@host/a.npz?X-Goog-Signature=abc")
        'https://host/a.npz'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def is_inner_host(host: str) -> bool:
    """Tell whether a host can be only of this machine or its network, as far as its name tells.

    Example:
        >>> [is_inner_host(host) for host in ("127.0.0.1", "169.254.169.254", "metadata.google.internal", "hf.co")]
        [True, True, True, False]
    """
    name = host.lower().rstrip(".")
    number = _as_number(name)
    if number is not None:
        return not number.is_global
    return name == "localhost" or name.endswith((".localhost", ".internal", ".local")) or "." not in name


def _as_number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a host as the system would: also "127.1" and "0x7f.1", and the IPv4 address in an IPv6 one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host)) if re.match(r"[0-9]", host) else None
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _check_host(url: str, hosts: Collection[str]) -> None:
    shown = shorten(shown_url(url))
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise BadInput(f"{shown!r} is not a URL; write https://HOST/PATH.") from error
    if parts.username is not None or parts.password is not None:
        raise BadInput(f"{shown!r} is refused: an address with a user or a password in it is not opened.")
    allowed = host in hosts if port in (None, 443) else f"{host}:{port}" in hosts
    if not allowed:
        what = "the inner address" if is_inner_host(host) else "the host"
        raise BadInput(
            f"{shown!r} is refused: {what} {shorten(parts.netloc, 60)!r} is not on the list of this server "
            f"({', '.join(sorted(hosts))})."
        )


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
