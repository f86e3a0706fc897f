"""What the hub says by a status and its own headers, and the token that it is asked with."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from vit_core.errors import StoreError
from vit_core.store.hub_problems import (
    closed,
    forbidden,
    gated,
    impossible_token,
    no_revision,
    not_there,
    token_refused,
)
from vit_core.store.problems import seconds_of

_CLOSED = "Access to this resource is disabled"


def token_for(name: str) -> str | None:
    """Give the token of HF_TOKEN or of `hf auth login`; None where there is none, or none may be sent unasked.

    Args:
        name: of the repository, for a message.

    Raises:
        AccessDenied: it has characters that no token has, so that it could not even be sent.
    """
    # It imports much, for a second: only where a file of the hub is asked for.
    from huggingface_hub import constants, get_token

    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    if token and not re.fullmatch(r"[!-~]+", token):
        raise impossible_token(name)
    return token


def refusal(name: str, status: int, headers: Mapping[str, str], *, revision: str | None = None) -> StoreError | None:
    """Give what the hub means by a refusal; None where it means no more than the status.

    Args:
        name: of the repository.
        status: of the answer, 400 or more.
        headers: of the answer; `X-Error-Code` and `X-Error-Message` are the hub's own.
        revision: that was asked for, None for a commit that the hub itself named.
    """
    code, message = headers.get("X-Error-Code", ""), headers.get("X-Error-Message", "")
    by_code: dict[str, StoreError] = {"GatedRepo": gated(name), "RepoNotFound": not_there(name)}
    if revision:
        by_code["RevisionNotFound"] = no_revision(name, revision)
    if status == HTTPStatus.UNAUTHORIZED and "credentials" in message:
        return token_refused(name)
    if code in by_code:
        return by_code[code]
    if _CLOSED in message:
        return closed(name)
    return forbidden(name, message) if status == HTTPStatus.FORBIDDEN else None


def retry_after(headers: Mapping[str, str]) -> str | None:
    """Give the seconds that an answer asks to wait: `Retry-After`, or `RateLimit` as the hub sends it.

    Example:
        >>> retry_after({"RateLimit": '"resolvers";r=0;t=120'})
        '120'
    """
    if seconds_of(headers.get("Retry-After")) is not None:
        return headers.get("Retry-After")
    # draft-ietf-httpapi-ratelimit-headers: r is what remains, t the seconds until there is more.
    match = re.search(r";\s*r=0\s*;\s*t=(\d{1,7})\b", headers.get("RateLimit") or "")
    return match[1] if match else None
