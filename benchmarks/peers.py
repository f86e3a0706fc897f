"""This project beside its peers, in turns on the same machine: `python -m benchmarks.peers --cell infer-B_16-b8`.

Every contestant is a process of this process group, stopped while another runs (`benchmarks.contestant`); windows go
A B A B, at least seven of each; all are kept to the same cores. Before anything is timed, each peer has to compute
what ours computes: one that does not is named with the reason and has no figure. Without --cell, whatever fits into
the budget is run, the most telling first.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import OURS, SCRIPT, Cell, cells, command_of
from benchmarks.contestant import Contestant, Disqualified
from benchmarks.gate import CORRELATION, LOGITS, LOSSES, LOSSES_BFLOAT16, alike, difference
from benchmarks.ingredients import write_ingredients
from benchmarks.others import measure_decode, measure_start
from benchmarks.results_index import RESULTS, results_folder
from vit_core.bench.ceilings import MATRIX
from vit_core.bench.conditions import Conditions, busy_percent, limit_threads
from vit_core.bench.report import Report, Row, with_share, write_report
from vit_core.bench.windows import interleave
from vit_core.models.config import variant
from vit_core.models.cost import gflops

WINDOWS, WINDOW_S = 7, 1.0
# Threads that wait for each other collapse where a third wants their core: on two cores busy with other things, PyTorch
# with two threads was measured twenty times slower than with one, which says nothing of PyTorch.
_BUSY_PERCENT = 30.0
_CEILING_WINDOW_S = 0.4
_FORWARD_AND_BACKWARD = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Campaign:
    """How to measure.

    Attributes:
        windows: of each contestant.
        window_s: shortest window in seconds.
        folder: where results go.
        command: starts the process of a contestant, by its name.
        although_busy: write results although other programs take the cores.
    """

    windows: int = WINDOWS
    window_s: float = WINDOW_S
    folder: Path = RESULTS
    command: Callable[[str], list[str]] = command_of
    although_busy: bool = False


def main(words: Sequence[str] | None = None) -> int:
    """Measure cells and write their results; gives 1 where one had none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {cell.name: cell for cell in cells()}
    parser.add_argument("--cell", action="append", choices=list(names), metavar="NAME", help="only this; may repeat")
    parser.add_argument("--list", action="store_true", help="print the cells and what they take, and end")
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--window-s", type=float, default=WINDOW_S, metavar="S")
    parser.add_argument("--threads", type=int, help="keep all contestants to so many cores")
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), help="begin nothing that would go past")
    parser.add_argument("--resolution", type=int, default=224, help="smaller for a rehearsal")
    parser.add_argument("--folder", type=results_folder, default=RESULTS, help="where results go")
    parser.add_argument("--although-busy", action="store_true", help="write results although others take the cores")
    parsed = parser.parse_args(words)
    limit_threads(parsed.threads)
    chosen = [names[name] for name in parsed.cell] if parsed.cell else list(names.values())
    chosen = [dataclasses.replace(cell, resolution=parsed.resolution) for cell in chosen]
    campaign = Campaign(
        windows=parsed.windows, window_s=parsed.window_s, folder=parsed.folder, although_busy=parsed.although_busy
    )
    if parsed.list:
        for cell in chosen:
            print(f"{_estimate(cell, campaign):6.0f} s  {cell.name}: {', '.join(cell.contestants)}")
        return 0
    return run_all(chosen, campaign, budget_s=60 * parsed.budget_minutes)


def run_all(chosen: Sequence[Cell], campaign: Campaign, *, budget_s: float) -> int:
    """Measure one cell after the other, and leave out what would not fit; give 1 where one had no result."""
    began, code = time.monotonic(), 0
    total = sum(_estimate(cell, campaign) for cell in chosen)
    print(f"{len(chosen)} comparisons, about {total / 60:.0f} minutes; the budget is {budget_s / 60:.0f}.", flush=True)
    for cell in chosen:
        left = budget_s - (time.monotonic() - began)
        if _estimate(cell, campaign) > left:
            print(f"{cell.name}: left out, it takes about {_estimate(cell, campaign):.0f} s and {left:.0f} are left.")
            continue
        started = time.monotonic()
        report = measure(cell, campaign)
        print(f"{cell.name} ({time.monotonic() - started:.0f} s)")
        for row in report.rows:
            print("   ", _line(row), flush=True)
        if problem := why_not(report, campaign):
            print(f"    Nothing is written. {problem}", flush=True)
            code = 1
        else:
            write_report(campaign.folder / f"{cell.name}.json", report)
    return code


def why_not(report: Report, campaign: Campaign) -> str:
    """Give why a report is no result, as a sentence; "" where it is one."""
    if not any(row.task == OURS and not row.refused for row in report.rows):
        return "There are no figures of ours."
    busy = report.measured["others_busy_percent"]
    assert isinstance(busy, list)  # noqa: S101  # as measure gives it
    if max(busy) > _BUSY_PERCENT and not campaign.although_busy:
        return (
            f"Other programs took {max(busy):.0f} % of the cores, where {_BUSY_PERCENT:.0f} % is the limit: peers "
            "whose threads wait for each other would look slow. Try again later, or take --although-busy."
        )
    return ""


def measure(cell: Cell, campaign: Campaign, *, device: str = "cpu", dtype: str | None = None) -> Report:
    """Measure one cell.

    Args:
        cell: what is compared.
        campaign: how often and how long.
        device: "cpu" or "gpu".
        dtype: of everybody's products; None as each device computes.
    """
    conditions, busy = Conditions(), [busy_percent()]
    with tempfile.TemporaryDirectory(prefix="vit-peers-") as name:
        spec = write_ingredients(cell, Path(name), device=device, dtype=dtype)
        if cell.kind == "decode":
            rows = measure_decode(cell, windows=campaign.windows, window_s=campaign.window_s)
        elif cell.kind == "start":
            rows = measure_start(cell, spec, windows=campaign.windows)
        else:
            rows = _measure_in_turns(cell, spec, campaign)
    busy.append(busy_percent())
    return Report(
        bench=cell.kind,
        subject=cell.subject,
        options={"windows": campaign.windows, "window_s": campaign.window_s, "resolution": cell.resolution},
        measured=conditions.to_plain(peers=peer_versions(), others_busy_percent=busy),
        rows=rows,
    )


def peer_versions() -> dict[str, str]:
    """Give the versions in the peers' environment, from the names of what is installed there."""
    folders = Path(command_of(SCRIPT)[0]).parents[1].glob("lib/python3*/site-packages/*.dist-info")
    found = dict(folder.stem.rsplit("-", 1) for folder in folders)
    return {name: found[name] for name in ("torch", "timm", "onnxruntime", "onnx", "pillow", "numpy") if name in found}


def _measure_in_turns(cell: Cell, spec: dict[str, Any], campaign: Campaign) -> list[Row]:
    with ExitStack() as stack:
        racing: dict[str, Contestant] = {}
        notes: dict[str, str] = {}
        refused: dict[str, str] = {}
        reference: np.ndarray | None = None
        for name in cell.contestants:
            try:
                contestant = stack.enter_context(_started(name, spec, campaign))
                contestant.ask("prepare", **spec)
                reference, notes[name] = _judge(cell, spec, contestant, reference)
                racing[name] = contestant
            except Disqualified as error:
                refused[name] = str(error)
            if name == OURS and refused:
                break  # there is nothing to compare with
        figures = _race(cell, racing, spec, campaign, stack) if racing else {}
        reports_memory = cell.kind == "train" and spec["device"] == "cpu"  # a GPU has a memory of its own
        memory = {name: float(each.ask("memory")) for name, each in racing.items()} if reports_memory else {}
    return _rows(cell, figures, notes, refused, memory)


@contextmanager
def _started(name: str, spec: dict[str, Any], campaign: Campaign) -> Iterator[Contestant]:
    environment = os.environ | {
        # Fresh compile caches would be unfair to nobody: compiling is never timed here.
        "VIT_CACHE_DIR": f"{spec['folder']}/cache",
        "OMP_NUM_THREADS": str(spec["threads"]),
        "VIT_DEVICE": spec["device"],
    }
    if spec["device"] == "cpu":
        environment["JAX_PLATFORMS"] = "cpu"
    log = Path(spec["folder"]) / f"{name} {spec['kind']}.log"
    contestant = Contestant(campaign.command(name), environment, log=log)
    try:
        yield contestant
    finally:
        contestant.close()


def _judge(
    cell: Cell, spec: dict[str, Any], contestant: Contestant, reference: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """Compare with ours, or be what others are compared with.

    Raises:
        Disqualified: the answers are not ours.
    """
    path = Path(spec["folder"]) / "answers.npy"
    contestant.ask("answers", to=str(path))
    answers = np.load(path)
    if reference is None:
        if not np.isfinite(answers).all():
            raise Disqualified("Its answers are not finite.")
        return answers, ""
    if cell.kind == "files":
        # Pillow resizes with antialiasing and ours as the original does, so that answers may differ where shapes agree.
        same = float((answers[:, 0] == reference[:, 0]).mean())
        return reference, f"the same first class on {same:.0%} of the photos: it resizes in another way"
    if spec["dtype"] == "bfloat16" and cell.kind != "train":
        agrees, words = alike(answers, reference, least=CORRELATION)
    else:
        losses = LOSSES_BFLOAT16 if spec["dtype"] == "bfloat16" else LOSSES
        agrees, words = difference(answers, reference, tolerance=losses if cell.kind == "train" else LOGITS)
    if not agrees:
        raise Disqualified(words)
    return reference, words


def _race(
    cell: Cell, racing: dict[str, Contestant], spec: dict[str, Any], campaign: Campaign, stack: ExitStack
) -> dict[str, list[float]]:
    ceiling = stack.enter_context(_started(OURS, ceiling_spec := spec | {"kind": "ceiling"}, campaign))
    ceiling.ask("prepare", **ceiling_spec)

    def rate(contestant: Contestant) -> float:
        return cell.batch / float(contestant.ask("window", at_least_s=campaign.window_s))

    turns: dict[str, Any] = {name: lambda each=each: rate(each) for name, each in racing.items()}
    flops = float(spec["ceiling_gflop"])
    turns[MATRIX] = lambda: flops / float(ceiling.ask("window", at_least_s=_CEILING_WINDOW_S))
    return interleave(turns, windows=campaign.windows)


def _rows(
    cell: Cell,
    figures: dict[str, list[float]],
    notes: dict[str, str],
    refused: dict[str, str],
    memory: dict[str, float],
) -> list[Row]:
    rows = []
    passes = _FORWARD_AND_BACKWARD if cell.kind == "train" else 1
    work = passes * gflops(variant(cell.model).with_resolution(cell.resolution))
    for name in cell.contestants:
        row = Row(task=name, unit="img/s", better="more", note=notes.get(name, ""))
        if name in refused:
            rows.append(dataclasses.replace(row, refused=refused[name]))
            continue
        if name in figures:
            row = dataclasses.replace(row, figures=tuple(figures[name]))
            computes_alone = cell.kind in ("infer", "train")
            rows.append(with_share(row, of=figures[MATRIX], ceiling=MATRIX, amount=work) if computes_alone else row)
    rows += [
        Row(task=f"{name}, peak memory", unit="MB", better="less", figures=(value / 1e6,))
        for name, value in memory.items()
    ]
    if MATRIX in figures:
        rows.append(Row(task=MATRIX, unit="GFLOP/s", better="more", figures=tuple(figures[MATRIX])))
    return rows


def _estimate(cell: Cell, campaign: Campaign) -> float:
    return cell.estimate_s(windows=campaign.windows, window_s=campaign.window_s)


def _line(row: Row) -> str:
    if row.refused:
        return f"{row.task}: no result. {row.refused}"
    low, median, high = row.spread
    share = "" if row.share is None else f", {row.share:.0%} of {row.ceiling}"
    return f"{row.task}: {median:.4g} {row.unit} ({low:.4g} to {high:.4g}){share}{'; ' if row.note else ''}{row.note}"


if __name__ == "__main__":
    sys.exit(main())
