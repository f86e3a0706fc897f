"""What a repository of the Hugging Face Hub holds.

Asks through huggingface_hub, which knows HF_ENDPOINT, HF_TOKEN, `hf auth login` and HF_HUB_OFFLINE. Chooses the files
that are read here. The bytes come through our own downloader (`hub_source`): its progress, its cancelling, its limits
and its one download for many askers hold for the hub as for any bucket.
"""

import dataclasses
import os
import re
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from vit_core.errors import Cancelled
from vit_core.store.background import Background
from vit_core.store.hub_answers import refusal, retry_after, token_for
from vit_core.store.hub_name import BESIDE, INDEX, WEIGHTS, HubName
from vit_core.store.hub_problems import no_part, no_weights, not_there, offline
from vit_core.store.location import HubFile, Location, shelf_for
from vit_core.store.patience import Patience
from vit_core.store.problems import Interrupted, describe_status, reason_of, seconds_of, unreachable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

_PUBLIC = "https://huggingface.co"
_ATTEMPTS = 3
_FILE_NAME = re.compile(r"[\w+=,@~() -][\w.+=,@~() -]{0,199}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Repository:
    """What is taken of a repository, at one commit.

    Attributes:
        weights: name of the file to open: of the weights, or of the list of their parts.
        files: all that is taken, by name, the weights last; without the parts that a list names.
        others: what such a list may name.
    """

    weights: str
    files: Mapping[str, HubFile]
    others: Mapping[str, HubFile]

    def with_parts(self, names: Sequence[str]) -> "Repository":
        """Give it with the parts that its list names.

        Raises:
            ObjectMissing: the repository lacks one.
        """
        name = self.files[self.weights].name
        for part in names:
            if part not in self.others:
                raise no_part(name, part)
        return Repository(self.weights, {**{part: self.others[part] for part in names}, **self.files}, {})


def endpoint() -> str:
    """Give the address of the hub: HF_ENDPOINT, else the public one. Read without the library, whose import is slow."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or _PUBLIC


def cache_key(text: str) -> str:
    """Give the key by which something of the hub lies in the cache: another hub has others under the same name."""
    return text if endpoint() == _PUBLIC else f"{endpoint()}/{text}"


def hub_location(name: HubName) -> Location:
    """Give the location of a repository as a whole, before the hub was asked."""
    return Location(str(name), f"{endpoint()}/{name.repo}", "hub", shelf_for("hub_", cache_key(name.repo)))


def ask_hub(name: HubName, *, patience: Patience, cancel: threading.Event) -> Repository:
    """Ask the hub which commit a revision is, and what there is to take.

    Raises:
        AccessDenied, ObjectMissing, Unreachable: the hub says no, has no such repository or no weights, or is silent.
        Cancelled: `cancel` was set.
    """
    location = hub_location(name)
    # In a thread, since neither the look-up of its name nor a request of the library can be interrupted.
    job = Background(lambda: _ask(name, location, patience), name=f"asking the hub for {name}")
    ends_at = time.monotonic() + patience.reach_s + sum(patience.timeout)
    while not job.ended.wait(patience.poll_s):
        if cancel.is_set():
            raise Cancelled(f"The download of {name} was cancelled before it began.")
        if time.monotonic() > ends_at:
            raise unreachable(location, "no answer within the time limit")
    return choose_files(name, job.outcome(), location)


def choose_files(name: HubName, info: "ModelInfo", location: Location) -> Repository:
    """Choose what is read here: model.safetensors, else the list of its parts, else the one other file of weights.

    Raises:
        ObjectMissing: there is none.
        Unreachable: what answered is no hub.
    """
    commit = info.sha or ""
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise unreachable(location, "the answer names no commit, so it is not from a hub")
    there = {file.rfilename: file for file in info.siblings or ()}
    weights = _weights_among(there)
    if weights is None:
        raise no_weights(str(name), sorted(there))
    files = {file: _hub_file(name, there[file], commit) for file in (*BESIDE, weights) if file in there}
    parts = [file for file in there if _FILE_NAME.fullmatch(file) and file.endswith(".safetensors")]
    others = {file: _hub_file(name, there[file], commit) for file in parts} if weights == INDEX else {}
    return Repository(weights, files, others)


def _weights_among(files: Collection[str]) -> str | None:
    """Give the file to open."""
    for usual in (WEIGHTS, INDEX):
        if usual in files:
            return usual
    for suffix in (".safetensors", ".npz"):
        found = [file for file in files if file.endswith(suffix) and _FILE_NAME.fullmatch(file)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _hub_file(name: HubName, file: "RepoSibling", commit: str) -> HubFile:
    digest = f"sha256:{file.lfs.sha256}" if file.lfs else f"git:{file.blob_id}" if file.blob_id else None
    return HubFile(
        str(name),
        f"{endpoint()}/{name.repo}/resolve/{commit}/{quote(file.rfilename)}",
        "hub",
        shelf_for("hub_", cache_key(f"{name.repo}/{commit}")),
        commit=commit,
        size=file.lfs.size if file.lfs else file.size,
        digest=digest,
    )


def _ask(name: HubName, location: Location, patience: Patience) -> "ModelInfo":
    for attempt in range(_ATTEMPTS):
        try:
            return _ask_once(name, location, patience)
        except Interrupted as event:
            wait_s = event.retry_after_s or 0.0
            if wait_s > patience.reach_s:
                raise unreachable(location, f"{event.reason} and asks to wait {wait_s:g} s") from event
            if attempt == _ATTEMPTS - 1:
                raise unreachable(location, event.reason) from event
            time.sleep(max(patience.pause(attempt), wait_s))
    raise AssertionError  # the last attempt returns or raises


def _ask_once(name: HubName, location: Location, patience: Patience) -> "ModelInfo":
    # Their import takes a second or two, which nobody shall wait for who asks for no file of the hub.
    import httpx2  # what huggingface_hub speaks HTTP with, and whose errors it lets through
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    token_for(str(name))
    try:
        api = HfApi(endpoint=endpoint(), library_name="vit-explorer")
        return api.model_info(name.repo, revision=name.revision, files_metadata=True, timeout=max(patience.timeout))
    except OfflineModeIsEnabled as error:
        raise offline(str(name)) from error
    except HfHubHTTPError as error:
        raise _refusal(name, location, error) from error
    except httpx2.HTTPError as error:
        raise Interrupted(reason_of(error), answered=False) from error
    except HFValidationError as error:  # a rule on names that is newer than ours
        raise not_there(str(name)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # of JSON that is not what a hub answers
        raise unreachable(location, "what answered is not a hub") from error


def _refusal(name: HubName, location: Location, error: "Exception") -> Exception:
    response = getattr(error, "response", None)
    status, headers = int(getattr(response, "status_code", 0)), getattr(response, "headers", {})
    if found := refusal(str(name), status, headers, revision=name.revision):
        return found
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
        return not_there(str(name))
    reason = f"the hub answered {describe_status(status)}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Interrupted(reason, answered=True, retry_after_s=seconds_of(retry_after(headers)))
    return unreachable(location, reason)
