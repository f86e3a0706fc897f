"""Addresses that a person may give in place of a name: `hf:OWNER/REPO`, `https://…`, `gs://…`; opens nothing.

Knows which of them are refused. Whoever can type an address must not thereby reach inner addresses of this machine's
network, nor what only its operator may read: a bucket that is not the operator's own is read without credentials.
"""

import re
from urllib.parse import unquote, urlsplit

from vit_core.errors import BadInput, quoted, shorten
from vit_core.settings import Settings
from vit_core.store.hub_name import HUB_PREFIX, HubName, read_page, read_repository
from vit_core.store.location import (
    PUBLIC_HOST,
    Location,
    check_name,
    check_public_url,
    object_location,
    operator_hosts,
    shelf_for,
    shown_url,
)

# The public buckets of vision_transformer, MLP-Mixer and big_vision, as the READMEs of google-research name them.
PUBLIC_BUCKETS = frozenset({"vit_models", "mixer_models", "big_vision"})
SUFFIXES = (".npz", ".safetensors")
_PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
_LONGEST = 400
# Pages put it behind ":" so that a sentence shows an address letter by letter; it comes along when one is copied.
_JOINER = "\N{WORD JOINER}"


def is_address(text: str) -> bool:
    """Tell whether a person means an address, right or wrong, and not a name or a path.

    Example:
        >>> [is_address(text) for text in ("hf:timm/vit", "gs://a/b.npz", "Ti_16-i21k", "run:pets")]
        [True, True, False, False]
    """
    copied = _copied(text)
    return _is_hub_name(copied) or "://" in copied


def read_hub_name(text: str) -> HubName | None:
    """Read `hf:OWNER/REPO[@REVISION]`, or the address of such a repository's page; None where it is neither.

    Raises:
        BadInput: meant as one, but not well formed.

    Example:
        >>> str(read_hub_name("https://huggingface.co/timm/vit/tree/v1"))
        'hf:timm/vit@v1'
    """
    copied = _copied(text)
    if _is_hub_name(copied):
        return read_repository(copied[len(HUB_PREFIX) :].removeprefix("//"), copied)
    return read_page(copied)


def address_location(text: str, settings: Settings) -> Location:
    """Give the location of a file of weights by its `https://` or `gs://` address.

    Args:
        text: what a person gave; big_vision's ending ":img", for the image tower of a file, may stand behind it.
        settings: whose bucket and hosts are allowed.

    Returns:
        An object of the operator's bucket where the address names one; else a location with a shelf of its own.

    Raises:
        BadInput: refused; the message repeats no credentials and no query.
    """
    address = _plain(_copied(text).removesuffix(":img"))
    shown = shorten(shown_url(address))
    if len(address) > _LONGEST:
        raise BadInput(
            f"The address {shorten(shown, 60)!r} has {len(address)} characters; at most {_LONGEST} are read."
        )
    if address.endswith(_PICKLES):
        raise BadInput(
            f"{shown!r} is a PyTorch pickle, which can run any program when it is opened, so it is never read here. "
            "Convert it to .safetensors once, where you trust it, and give the path of that file."
        )
    host, _, path = address.removeprefix("https://").partition("/")
    if host == PUBLIC_HOST and path.partition("/")[0] in PUBLIC_BUCKETS and not {"?", "#"} & set(path):
        address = f"gs://{unquote(path)}"  # the same object, and one file of the cache
    is_gs = address.startswith("gs://")
    if is_gs:
        _check_bucket(address, settings)
    else:
        address = check_public_url(address, allowed_hosts=operator_hosts(settings))
        if {"?", "#"} & set(address):
            raise BadInput(
                f"{shown!r} is refused with a '?' or '#' behind it, where secrets may stand; give the plain address."
            )
    stem = _stem(address)
    own = object_location(settings.bucket, stem)
    if own.url == address:
        return own
    folder = address.rpartition("/")[0]
    return Location(address, address, "gs" if is_gs else "http", shelf_for("at_", folder))


def _copied(text: str) -> str:
    """Give an address as it was written, when it was copied from a sentence of a page."""
    return text.strip().replace(_JOINER, "")


def _is_hub_name(text: str) -> bool:
    return text[: len(HUB_PREFIX)].lower() == HUB_PREFIX


def _plain(address: str) -> str:
    """Write the scheme and the host of a web address as everybody does, so that the same object is the same file."""
    scheme, separator, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme.lower() != "https" or "@" in authority:
        return address
    host, colon, port = authority.lower().partition(":")
    return f"https{separator}{host.rstrip('.')}{colon + port if port != '443' else ''}{slash}{path}"


def _check_bucket(address: str, settings: Settings) -> None:
    bucket, _, path = address.removeprefix("gs://").partition("/")
    own = settings.bucket.removeprefix("gs://").partition("/")[0] if settings.bucket.startswith("gs://") else ""
    allowed = sorted(PUBLIC_BUCKETS | ({own} if own else set()))
    if bucket not in allowed:
        raise BadInput(
            f"{shorten(shown_url(address))!r} is refused: only objects of the buckets {', '.join(allowed)} are opened "
            f"by address. An object that anybody may read is https://{PUBLIC_HOST}/BUCKET/PATH, too."
        )
    if ".." in path.split("/") or re.search(r"[\s\\\x00-\x1f\x7f?#]|//", f"/{path}"):
        raise BadInput(f"{quoted(address)} is no address of an object; write gs://{bucket}/FOLDER/NAME.npz.")


def _stem(address: str) -> str:
    """Give the name of the file without its suffix, from which the cache makes a file's name."""
    path = address.partition("://")[2]
    file = (
        path.rpartition("/")[2] if address.startswith("gs://") else unquote(urlsplit(address).path.rpartition("/")[2])
    )
    suffix = next((each for each in SUFFIXES if file.endswith(each)), None)
    if suffix is None or "/" not in path:
        raise BadInput(
            f"{shorten(shown_url(address))!r} names no file of weights; its address ends in {' or '.join(SUFFIXES)}."
        )
    return check_name(file.removesuffix(suffix))
