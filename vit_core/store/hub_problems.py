"""The sentences of the Hugging Face Hub: what is wrong, and what to do; never a token."""

import os
from collections.abc import Sequence

from vit_core.errors import AccessDenied, ObjectMissing, quoted, shorten
from vit_core.store.hub_name import INDEX, WEIGHTS

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_LISTED = 8


def not_there(name: str) -> ObjectMissing:
    """There is no such repository, or a private one, between which the hub makes no difference."""
    return ObjectMissing(
        f"The hub has no {name}, or it is private. Check the name; for a private one set HF_TOKEN to a token that may "
        f"read it.{_silence()}"
    )


def gated(name: str) -> AccessDenied:
    """Its owner lets in only who agreed to the terms."""
    return AccessDenied(
        f"{name} is gated: its owner lets in only who has asked on its page on the hub. Ask there, then set HF_TOKEN "
        f"to a token of that account.{_silence()}"
    )


def token_refused(name: str) -> AccessDenied:
    """The token is wrong, or it expired."""
    return AccessDenied(
        f"The hub refuses the token that was sent for {name}. Set HF_TOKEN to a valid one, or unset it and run "
        "`hf auth logout`: public repositories need none."
    )


def impossible_token(name: str) -> AccessDenied:
    """The token cannot be one."""
    return AccessDenied(
        f"The token for {name} has a character that no token has, as of a copy from a text. Set HF_TOKEN to the token "
        "alone, letters and digits, or unset it: public repositories need none."
    )


def closed(name: str) -> AccessDenied:
    """The hub itself has closed it, to everybody."""
    return AccessDenied(
        f"The hub has closed {name} to everybody. Take another repository, or give the path of a file that you have."
    )


def forbidden(name: str, message: str) -> AccessDenied:
    """The hub says no, and may say why."""
    why = f" ({_shown(message.strip(), 200)})" if message.strip() else ""
    return AccessDenied(
        f"The hub does not let us read {name}{why}. Set HF_TOKEN to a token that may read it, or give the path of a "
        f"file that you have.{_silence()}"
    )


def no_revision(name: str, revision: str) -> ObjectMissing:
    """The repository is there and has no such branch, tag or commit."""
    return ObjectMissing(
        f"{name.partition('@')[0]} has no revision {shorten(revision, 60)!r}. Its page on the hub lists the branches "
        "and tags; without '@' the branch main is taken."
    )


def no_weights(name: str, files: Sequence[str]) -> ObjectMissing:
    """Nothing that is read here is among its files."""
    listed = ", ".join(_shown(file) for file in files[:_LISTED]) or "nothing"
    more = f" and {len(files) - _LISTED} more" if len(files) > _LISTED else ""
    several = sum(file.endswith((".npz", ".safetensors")) for file in files) > 1
    if several:
        return ObjectMissing(
            f"{name} has no model.safetensors but several other files of weights: {listed}{more}. Download the one "
            "that you mean and give its path."
        )
    below = next((file for file in files if file.endswith((".npz", ".safetensors"))), None)
    if below and "/" in below:
        return ObjectMissing(
            f"{name} has no weights at its root, where they are looked for, but {_shown(below)} in a folder. Download "
            "that file and give its path."
        )
    pickle = next((file for file in files if file.endswith(_PICKLES)), None)
    why = (
        f"{_shown(pickle)} is a pickle, which can run any program when it is opened, so it is never read here"
        if pickle
        else "Files of weights elsewhere work by their path"
    )
    return ObjectMissing(f"{name} has no model.safetensors and no .npz; it has {listed}{more}. {why}.")


def no_part(name: str, part: str) -> ObjectMissing:
    """The list of the parts names one that is not there, or that is no plain name of a file."""
    return ObjectMissing(
        f"{name} is not complete: its list of parts names {quoted(part, 60)}, and the repository has no such file "
        "beside it. Take another revision of it, or ask its owner."
    )


def no_parts(name: str) -> ObjectMissing:
    """The list of the parts is none."""
    return ObjectMissing(
        f"{name} has a list of parts, {INDEX}, that names none, and no {WEIGHTS}. Take another revision of it, or ask "
        "its owner."
    )


def offline(name: str) -> ObjectMissing:
    """The user closed the hub."""
    return ObjectMissing(
        f"{name} is not on this machine, and HF_HUB_OFFLINE is set, so that the hub is not asked. Unset it for once, "
        "or give the path of a file that you have."
    )


def _shown(text: str, limit: int = 60) -> str:
    """Show what anybody may have chosen, as the name of a file: nothing in it may reach a terminal as a command."""
    return shorten(text, limit) if text.isprintable() else quoted(text, limit)


def _silence() -> str:
    """Say that a token would not be sent, where that is so; as huggingface_hub reads the variable."""
    is_silent = os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in ("1", "ON", "YES", "TRUE")
    return " As it is set up, this program sends no token (HF_HUB_DISABLE_IMPLICIT_TOKEN)." if is_silent else ""
