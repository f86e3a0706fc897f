"""The settings of a run: proposed with reasons, changed field by field, each explained and checked where it stands."""

import dataclasses
import types
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.components.plain_text import plain
from app.components.wording import counted
from app.training_desk import Desk
from app.training_plan import Plan
from vit_core.training.config import FIELDS, TrainConfig

BASIC = ("total_steps", "learning_rate", "batch", "resolution")
_TYPES = {field.name: field.type for field in dataclasses.fields(TrainConfig)}
_STEPS = types.MappingProxyType({"learning_rate": 0.001, "ema_decay": 0.001, "clip_norm": 0.5, "weight_decay": 0.01})
_PARTS_TRAINED = (1, 2, 4, 8)
_FOLD = "settings advanced"


def show_settings(table: Desk, plan: Plan, *, num_layers: int) -> None:
    """Show the settings; a change holds at once.

    Args:
        table: of this visitor; gets the changes.
        plan: what is proposed, changed and wrong.
        num_layers: blocks of the model.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        changed = len(plan.changed)
        st.markdown(
            "**Settings**, proposed for your pictures" + (f"; {changed} changed by you" if changed else ""),
            width="content",
        )
        st.button(
            "Reset to the proposal",
            key="settings reset",
            type="tertiary",
            disabled=not table.edits,
            on_click=table.edits.clear,
        )
    _show_trainable(table, plan, num_layers)
    grid = st.grid("auto", min_column_width=170, gap="small")
    for name in BASIC:
        with grid.cell():
            _show_field(table, plan, name)
            st.caption(_why(plan, name))


def show_advanced(table: Desk, plan: Plan) -> None:
    """Show all other settings, folded unless one of them cannot be; below the fold, which ones cannot."""
    names = [name for name in FIELDS if name not in (*BASIC, "checkpoint", "trainable")]
    wrong = [FIELDS[name].label for name in names if name in plan.errors]
    if wrong:
        st.session_state[_FOLD] = True
    # Another label or default would make another fold, a closed one, of it.
    fold = st.expander("Advanced settings", key=_FOLD, on_change="rerun")
    with fold:
        if fold.open:
            _show_advanced(table, plan, names)
    if wrong:
        st.markdown(f":red-badge[Cannot be: {plain(', '.join(wrong))}]")


def _show_advanced(table: Desk, plan: Plan, names: Sequence[str]) -> None:
    grid = st.grid("auto", min_column_width=240, gap="medium")
    for name in names:
        with grid.cell():
            _show_field(table, plan, name)
            st.caption(f"{plain(FIELDS[name].help)} {_why(plan, name)}")


def _show_trainable(table: Desk, plan: Plan, num_layers: int) -> None:
    words = {"all": "Everything, as published", "head": "Only the new last layer: fast, for few pictures"}
    words |= {f"last-{n}": f"The last {n} of {num_layers} blocks" for n in _PARTS_TRAINED if n < num_layers}
    now = plan.config.trainable
    words.setdefault(now, now)
    key = _key("trainable")
    st.session_state[key] = now
    st.selectbox(
        FIELDS["trainable"].label,
        list(words),
        format_func=lambda each: words[each],
        key=key,
        on_change=_retrain,
        args=(table, key),
        help="Training less is faster and takes less memory; training everything usually gets more right.",
    )
    st.caption(_why(plan, "trainable"))


def _show_field(table: Desk, plan: Plan, name: str) -> None:
    """Show one setting and, below it, why its value cannot be."""
    field, key, now = FIELDS[name], _key(name), getattr(plan.config, name)
    given = table.edits.get(name, now)
    arguments: dict[str, Any] = {"key": key, "on_change": _edit, "args": (table, name, key)}
    st.session_state[key] = given
    tip = field.help if name in BASIC else None  # the others have it in full below
    if field.choices:
        st.selectbox(
            field.label, list(field.choices), format_func=lambda each: field.choices[each], help=tip, **arguments
        )
    elif _TYPES[name] is bool:
        st.checkbox(field.label, help=tip, **arguments)
    elif _TYPES[name] is int:
        st.number_input(field.label, value=None, step=1, help=tip, **arguments)
    else:
        st.number_input(field.label, value=None, step=_STEPS.get(name, 0.05), format="%g", help=tip, **arguments)
    if name in plan.errors:
        st.error(plain(plan.errors[name]))


def _why(plan: Plan, name: str) -> str:
    """Give the reason of a value; where another one stands in the field, the proposed value goes before it."""
    reason = plain(plan.proposal.reasons.get(name, ""))
    if name == "total_steps" and plan.changed & {"total_steps", "batch"}:
        proposed = plan.proposal.config
        words = f"**Proposed: {proposed.total_steps:,} steps of {counted(proposed.batch, 'image')}.** {reason}"
        return words if plan.errors.keys() & {"total_steps", "batch"} else f"{_looks(plan)} {words}"
    if name not in plan.changed:
        return reason
    return f"**Proposed: {_shown(name, getattr(plan.proposal.config, name))}.** {reason}".strip()


def _looks(plan: Plan) -> str:
    times = f"about {plan.looks:,.0f} times" if plan.looks >= 1.5 else "about once"
    return f"With these steps and this batch each image is seen {times if plan.looks >= 1 else 'less than once'}."


def _shown(name: str, value: object) -> str:
    if FIELDS[name].choices:
        return plain(FIELDS[name].choices[str(value)])
    if isinstance(value, bool):
        return "on" if value else "off"
    return plain(f"{value:g}" if isinstance(value, float) else str(value))


def _key(name: str) -> str:
    return f"setting {name}"


def _edit(table: Desk, name: str, key: str) -> None:
    """Take a change over; an emptied field goes back to the proposal."""
    value = st.session_state[key]
    if value is None:
        table.edits.pop(name, None)
    else:
        table.edits[name] = value


def _retrain(table: Desk, key: str) -> None:
    """Choose what is trained; everything that was proposed for the other way is proposed anew."""
    table.edits["trainable"] = st.session_state[key]
