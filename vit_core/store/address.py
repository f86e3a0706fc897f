"""Addresses that a person may give in place of a name: `hf:OWNER/REPO`, `https://…`, `gs://…`; opens nothing.

Knows which of them are refused. Whoever can type an address must not thereby reach inner addresses of this machine's
network, nor what only its operator may read: a bucket that is not the operator's own is read without credentials.
"""

import dataclasses
import re
from urllib.parse import unquote, urlsplit

from vit_core.errors import BadInput, quoted, shorten
from vit_core.settings import Settings
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

HUB_PREFIX = "hf:"
# The public buckets of vision_transformer, MLP-Mixer and big_vision, as the READMEs of google-research name them.
PUBLIC_BUCKETS = frozenset({"vit_models", "mixer_models", "big_vision"})
SUFFIXES = (".npz", ".safetensors")
_PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
_LONGEST = 400
_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
# huggingface_hub's rule for a repository (utils/_validators.py): letters, digits, '-', '_', '.', no '--' and no '..'.
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO = re.compile(rf"({_PART}/{_PART})(?:@([\w.+/-]{{1,200}}))?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class HubName:
    """A repository of the Hugging Face Hub.

    Attributes:
        repo: OWNER/REPO.
        revision: a branch, a tag or a commit; "main" is what the hub shows.
    """

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        """Give the name as a person writes it.

        Example:
            >>> str(HubName("timm/vit")), str(HubName("timm/vit", "v1"))
            ('hf:timm/vit', 'hf:timm/vit@v1')
        """
        return f"{HUB_PREFIX}{self.repo}" + ("" if self.revision == "main" else f"@{self.revision}")


def is_address(text: str) -> bool:
    """Tell whether a person means an address, right or wrong, and not a name or a path.

    Example:
        >>> [is_address(text) for text in ("hf:timm/vit", "gs://a/b.npz", "Ti_16-i21k", "run:pets")]
        [True, True, False, False]
    """
    return text.startswith(HUB_PREFIX) or "://" in text


def read_hub_name(text: str) -> HubName | None:
    """Read `hf:OWNER/REPO[@REVISION]`, or the address of such a repository's page; None where it is neither.

    Raises:
        BadInput: meant as one, but not well formed.

    Example:
        >>> str(read_hub_name("https://huggingface.co/timm/vit/tree/v1"))
        'hf:timm/vit@v1'
    """
    if text.startswith(HUB_PREFIX):
        return _read_repo(text.removeprefix(HUB_PREFIX).removeprefix("//"), text)
    scheme, _, rest = text.partition("://")
    host, _, path = rest.partition("/")
    if scheme.lower() not in ("http", "https") or host.lower() not in _HUB_HOSTS:
        return None
    owner, repo, view, revision, *file = [*re.split(r"[?#]", path, maxsplit=1)[0].split("/"), "", "", "", ""][:5]
    if view not in ("", "tree", "blob", "resolve", "raw"):
        view = revision = ""
    if file and file[0].endswith(SUFFIXES) and file[0] != "model.safetensors":
        raise BadInput(
            f"{quoted(text)} names one file; of a repository of the hub {HUB_PREFIX}{owner}/{repo} takes the file of "
            "weights. Download another one yourself and give its path."
        )
    return _read_repo(f"{owner}/{repo}" + (f"@{unquote(revision)}" if revision else ""), text)


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
    address = text.strip().removesuffix(":img")
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


def _read_repo(words: str, text: str) -> HubName:
    match = _REPO.fullmatch(words)
    if match is None or "--" in match[1] or ".." in words or words.endswith(("/", ".git")):
        raise BadInput(
            f"{quoted(text)} names no repository of the Hugging Face Hub; write {HUB_PREFIX}OWNER/REPO, or "
            f"{HUB_PREFIX}OWNER/REPO@REVISION for another revision than main."
        )
    return HubName(match[1], match[2] or "main")


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
