"""What a run will cost on this machine, measured by a few of its own steps, and the start."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil
import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.components.facts import numbers_line
from app.components.plain_text import bullets, plain
from app.components.training_estimate import duration, show_progress
from app.components.training_name import name_for
from app.components.wording import megabytes
from app.training_data import Prepared
from app.training_desk import Desk
from app.training_plan import Plan, fingerprint
from vit_core.errors import VitError
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import Cost


def show_cost(table: Desk, prepared: Prepared | None, plan: Plan | None, *, why_not: Sequence[str]) -> None:
    """Offer the measurement, show how far it is, or what it gave.

    Args:
        table: of this visitor.
        prepared: the data set, None before there is one.
        plan: the settings, None before there are any.
        why_not: sentences where a run cannot start now, none where it can.
    """
    with st.container(key="cost", gap="small"):
        if show_progress(table, "trial"):
            return
        now = table.estimate("trial")
        measured = now.cost if now else None
        steps = table.measured_steps(plan.config, prepared) if prepared and plan and not plan.errors else None
        known = measured is not None and plan is not None and steps is not None
        if measured and plan and steps:
            _show_cost(_scaled(measured, steps, plan.config))
            if steps != plan.config.total_steps:
                st.caption(f"Measured for {steps:,} steps; the time is counted for {plan.config.total_steps:,}.")
        elif measured:
            st.caption("Measured for other settings or pictures; measure these to know what they cost.")
        else:
            st.markdown("Time, memory and disk are **measured**: a few real steps on this machine, then it stops.")
        st.button(
            "Measure again" if known else "Measure",
            key="measure",
            disabled=bool(why_not),
            on_click=table.ask,
            args=("trial", plan.config if plan else None, prepared, resources.settings()),
        )
        if not known and not why_not:
            st.caption("You may start without it; what the run costs is then unknown.")


def show_start_button(table: Desk, prepared: Prepared | None, plan: Plan | None, *, why_not: Sequence[str]) -> None:
    """Show name, note and the button that starts the run and opens its page."""
    typed, name, note = "", "", ""
    if prepared and plan:
        runs = resources.runs()
        proposed = runs.suggest_name(prepared.dataset.name)
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container(gap="xsmall", key="run-name"):
                typed = st.text_input(
                    "Name of the run",
                    placeholder=proposed,
                    key="run name",
                    max_chars=64,
                    help="a to z, 0 to 9, - and _. Left empty, the name in grey is taken.",
                )
                taken = {record.name for record in resources.all_runs()}
                name, remark = name_for(typed, proposed, taken=taken, suggest=runs.suggest_name)
                if remark:
                    st.caption(plain(remark))
            note = st.text_input("Note, if you like", key="run note", max_chars=500)
    if why_not:
        st.info("Start is possible when this is done:\n" + bullets(why_not))
    if st.button("Start", key="start run", type="primary", disabled=bool(why_not)) and prepared and plan:
        _submit(table, prepared, plan, name=name, typed=typed.strip(), note=note)


def _scaled(cost: Cost, measured_steps: int, config: TrainConfig) -> Cost:
    """Give the cost of another number of steps."""
    more = config.total_steps - measured_steps
    # Without an interval of the visitor's own there are about ten tests in a run of any length.
    tests = more / config.eval_every if config.eval_every else 0.0
    seconds = cost.seconds + more * cost.seconds_per_step + tests * cost.evaluation_seconds
    return dataclasses.replace(cost, seconds=max(seconds, cost.compile_seconds))


def _submit(table: Desk, prepared: Prepared, plan: Plan, *, name: str, typed: str, note: str) -> None:
    look = table.estimate("quick look")
    current = look and look.quick_look and table.still_holds("quick look", plan.config, prepared)
    try:
        record = resources.runs().submit(
            plan.config,
            prepared.dataset,
            name=name,
            # Of a second click on the same request, whose proposed name is another one by then.
            key=fingerprint(plan.config, prepared.dataset, table.nonce, prepared.data_id, typed),
            note=note.strip(),
            quick_look=look.quick_look if look and current else None,
        )
    except VitError as error:
        show_error(error)
        return
    table.stop_measuring()
    state.open_run(record.name)
    st.switch_page("views/runs.py", query_params={"run": record.name})


def _show_cost(cost: Cost) -> None:
    free_disk = shutil.disk_usage(_existing(resources.settings().runs_dir)).free
    free_memory = psutil.virtual_memory().available
    numbers_line(
        [
            ("time", f"about {duration(cost.seconds)}"),
            ("memory", megabytes(cost.memory_bytes)),
            ("disk", megabytes(cost.disk_bytes)),
            ("speed", f"{cost.images_per_second:,.0f} img/s"),
        ]
    )
    on_cpu = cost.device.upper().startswith("CPU")
    memory = f"{megabytes(free_memory)} of memory and " if on_cpu else ""
    st.caption(
        f"Measured on {plain(cost.device)}: {cost.seconds_per_step:.2g} s a step, {cost.evaluation_seconds:.2g} s a "
        f"test, {cost.compile_seconds:.2g} s to get ready. {memory}{megabytes(free_disk)} of disk are free now."
    )
    if cost.accum_steps > 1:
        st.caption(f"A batch is computed in {cost.accum_steps} parts to fit the memory; the result is the same.")
    if on_cpu and cost.memory_bytes > free_memory:
        st.warning("The run needs more memory than is free now; a smaller batch, or more parts per batch, needs less.")
    if cost.disk_bytes > free_disk:
        st.warning("The run needs more disk than is free; delete old runs or downloads first.")


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
