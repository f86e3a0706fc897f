"""Names of repositories of the Hugging Face Hub: `hf:OWNER/REPO[@REVISION]`, and the addresses of their pages.

An address that means something else than a repository's weights is refused, never read as the nearest repository:
who pastes the address of one file shall not get the weights of another.
"""

import dataclasses
import re
from collections.abc import Sequence
from urllib.parse import unquote

from vit_core.errors import BadInput, quoted

HUB_PREFIX = "hf:"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What lies beside the weights and is read with them: settings of model and pictures, and the names of classes.
BESIDE = ("config.json", "preprocessor_config.json", "labels.json")
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
# Pages of the hub that are of no model; an owner of a repository cannot be called so.
_RESERVED = frozenset(
    {"datasets", "spaces", "docs", "api", "models", "collections", "papers", "blog", "learn", "tasks", "posts"}
)
_FILES_OF = frozenset({"blob", "resolve", "raw"})
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


def read_repository(words: str, text: str) -> HubName:
    """Read `OWNER/REPO[@REVISION]`.

    Args:
        words: those.
        text: what a person gave, for the message.

    Raises:
        BadInput: not well formed.
    """
    match = _REPO.fullmatch(words)
    if match is None or "--" in match[1] or ".." in words or words.endswith("/") or match[1].endswith(".git"):
        raise BadInput(
            f"{quoted(text)} names no repository of the Hugging Face Hub; write {HUB_PREFIX}OWNER/REPO, or "
            f"{HUB_PREFIX}OWNER/REPO@REVISION for another revision than main."
        )
    return HubName(match[1], match[2] or "main")


def read_page(text: str) -> HubName | None:
    """Read the address of a repository's page, or of its weights there; None where it is of no hub.

    Raises:
        BadInput: of a page that is no model's, of another file, or of a folder.

    Example:
        >>> str(read_page("https://huggingface.co/timm/vit/tree/v1"))
        'hf:timm/vit@v1'
    """
    scheme, _, rest = text.strip().partition("://")
    host, _, path = rest.partition("/")
    if scheme.lower() not in ("http", "https") or host.lower().removesuffix(":443").rstrip(".") not in _HOSTS:
        return None
    owner, repo, view, *behind = [*(unquote(word) for word in _words(path)), "", "", ""]
    behind = [word for word in behind if word]
    name = f"{owner}/{repo}"
    if owner.lower() in _RESERVED:
        raise BadInput(
            f"{quoted(text)} is not the page of a model: those are https://huggingface.co/OWNER/REPO. Write "
            f"{HUB_PREFIX}OWNER/REPO."
        )
    if view == "commit" and len(behind) == 1:
        return read_repository(f"{name}@{behind[0]}", text)
    revision, below = _revision(behind)
    if view in _FILES_OF and below:
        _check_file(below, name, text)
    elif view not in ("", "tree", "commits", *_FILES_OF) or below:
        raise BadInput(
            f"{quoted(text)} is not the page of a repository as a whole. {HUB_PREFIX}{name} takes the weights at its "
            "root; of a folder in it download the file yourself and give its path."
        )
    return read_repository(name + (f"@{revision}" if revision else ""), text)


def _words(path: str) -> list[str]:
    return re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/").split("/")


def _revision(words: Sequence[str]) -> tuple[str, list[str]]:
    """Part a revision from what stands behind it; those of pull requests, refs/pr/1, may be three words."""
    count = 3 if words[:1] == ["refs"] else 1
    return "/".join(words[:count]), list(words[count:])


def _check_file(path: Sequence[str], name: str, text: str) -> None:
    if len(path) == 1 and path[0] in (WEIGHTS, INDEX, *BESIDE):
        return
    raise BadInput(
        f"{quoted(text)} names one file, {quoted('/'.join(path))}; of a repository of the hub {HUB_PREFIX}{name} takes "
        f"{WEIGHTS} at its root, with its settings. Download the other file yourself and give its path."
    )
