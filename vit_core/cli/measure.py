"""`finetune --dry-run` and `--quick-look`: what a run would take, or a first accuracy, measured on this machine.

It waits for its turn like a run: measured beside one, both would be slow and the figures wrong.
"""

import json
import sys
import time
from typing import TYPE_CHECKING, Literal

from vit_core.allocator import keep_freed_memory
from vit_core.cli.finetune_plan import Plan
from vit_core.cli.on_behalf import await_turn
from vit_core.cli.output import note, print_json
from vit_core.cli.run_summary import duration, percent
from vit_core.settings import Settings
from vit_core.store.problems import describe_size
from vit_core.store.store import Store
from vit_core.training.config import to_plain

if TYPE_CHECKING:
    from vit_core.training.estimates import Cost, QuickLook

_SAY_EVERY_S = 0.5


def measure(plan: Plan, settings: Settings, *, kind: Literal["trial", "quick look"], style: str) -> int:
    """Measure and print.

    Raises:
        VitError: the measuring failed.
    """
    keep_freed_memory(settings.device)  # before the first thread
    stages = _Stages(style=style)
    await_turn(settings, stages.say)
    from vit_core.devices import enable_compile_cache

    enable_compile_cache(settings.cache_dir)
    with Store(settings).borrow(plan.config.checkpoint) as source:
        if kind == "trial":
            from vit_core.training.trial import measure_cost

            stages.say("measuring some real steps")
            cost = measure_cost(
                plan.config,
                plan.dataset,
                source=source,
                device=settings.device,
                cache_dir=settings.cache_dir,
                progress=stages.count,
            )
            _print_cost(plan, cost, style=style)
        else:
            from vit_core.training.probe import quick_look

            stages.say("computing features")
            look = quick_look(
                plan.config,
                plan.dataset,
                source=source,
                device=settings.device,
                cache_dir=settings.cache_dir,
                progress=stages.count,
            )
            _print_look(plan, look, style=style)
    return 0


def _print_cost(plan: Plan, cost: "Cost", *, style: str) -> None:
    if style == "json":
        print_json({"cost": cost.to_plain(), "settings": to_plain(plan.config), "reasons": dict(plan.reasons)})
        return
    print(
        f"About {duration(cost.seconds)} on {cost.device}: {plan.config.total_steps} steps of "
        f"{cost.seconds_per_step:.3g} s, {cost.images_per_second:.3g} images/s."
    )
    print(f"Memory {describe_size(cost.memory_bytes)}, disk {describe_size(cost.disk_bytes)}.")
    if cost.accum_steps > 1:
        print(f"A batch is computed in {cost.accum_steps} parts, for want of memory.")


def _print_look(plan: Plan, look: "QuickLook", *, style: str) -> None:
    if style == "json":
        print_json({"quick_look": look.to_plain(), "settings": to_plain(plan.config)})
        return
    low, high = look.interval
    print(
        f"A linear classifier on the checkpoint's features is right on {percent(look.accuracy)} of "
        f"{look.num_test} test images (95 %: {percent(low)} to {percent(high)}); found in {duration(look.seconds)} on "
        f"{look.device}. Fine-tuning usually ends above it."
    )


class _Stages:
    """Says on standard error what is being done: sentences for people, a JSON object per line for programs."""

    def __init__(self, *, style: str) -> None:
        self._style = style
        self._stage = ""
        self._said = 0.0

    def say(self, stage: str) -> None:
        """Say what is begun."""
        if stage != self._stage:
            self._stage = stage
            self._write(None)

    def count(self, done: int, total: int) -> None:
        """Say how much of it is done."""
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._write(done / total if total else None)

    def _write(self, fraction: float | None) -> None:
        self._said = time.monotonic()
        if self._style == "json":
            print(json.dumps({"stage": self._stage, "fraction": fraction}), file=sys.stderr, flush=True)
        elif fraction is None:
            note(f"{self._stage} …")
