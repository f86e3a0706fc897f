"""`bench`: measure this machine, print a table, keep the result in a file."""

import argparse
import dataclasses
from pathlib import Path

from vit_core.allocator import keep_freed_memory
from vit_core.bench.conditions import limit_threads
from vit_core.bench.options import BENCHES, Options, choose
from vit_core.bench.report import Report, Row, write_report
from vit_core.cli.device import before_jax, own_or_spare
from vit_core.cli.output import note, print_json, print_table
from vit_core.errors import BadSetting, shorten
from vit_core.settings import Settings, parse_path


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Measure and print."""
    options = choose(
        parsed.what,
        model=parsed.model,
        batch=parsed.batch,
        resolution=parsed.resolution,
        dtype=parsed.dtype,
        windows=parsed.windows,
        window_s=parsed.window_s,
        device=settings.device,
    )
    target = _target(parsed.to)
    limit_threads(parsed.threads)  # before JAX counts the cores
    report = _measure(parsed.what, options, settings)
    if target is not None:
        write_report(target, report)
    _print(report, style=parsed.format)
    return 0


def _target(text: str | None) -> Path | None:
    """Find out before minutes of measuring whether the result can be written."""
    if text is None:
        return None
    path = parse_path("--to", text).absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise BadSetting(f"--to is {shorten(text)!r}; it must be a file in a folder that is there.")
    return path


def _measure(what: str, options: Options, settings: Settings) -> Report:
    # Each imports what it measures, and only JAX's users take the device.
    if what == "catalog":
        from vit_core.bench import catalog

        return catalog.measure(options)
    if what == "pages":
        from vit_core.bench import pages

        return pages.measure(options)
    assert BENCHES[what].model  # noqa: S101  # the others need a device
    settings = own_or_spare(settings)
    before_jax(settings.device)
    if what == "train":
        keep_freed_memory(settings.device)  # as a run does
    return _measure_model(what, dataclasses.replace(options, device=settings.device), settings)


def _measure_model(what: str, options: Options, settings: Settings) -> Report:
    if what == "infer":
        from vit_core.bench import infer

        return infer.measure(options)
    if what == "train":
        from vit_core.bench import train

        return train.measure(options)
    if what == "load":
        from vit_core.bench import load

        return load.measure(options, settings)
    if what == "start":
        from vit_core.bench import start

        return start.measure(options)
    from vit_core.bench import decode

    return decode.measure(options, settings)


def _print(report: Report, *, style: str) -> None:
    if style == "json":
        print_json(report.to_plain())
        return
    columns = {"": False, "median": True, "quartiles": True, "unit": False, "of what is possible": True}
    print_table(columns, [_cells(row) for row in report.rows], title=f"{report.bench}: {report.subject}")
    measured = report.measured
    load = measured["load_average"]
    assert isinstance(load, dict)  # noqa: S101  # as conditions gives it
    note(
        f"{measured['cpu']}, {measured['threads']} cores; load average {load['before'][0]} before, {load['after'][0]} "
        f"after; {report.options['windows']} windows."
    )
    if load["before"][0] > 1:
        note("Other programs were running, so the figures are lower than this machine can give.")


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    low, median, high = row.spread
    share = "" if row.share is None else f"{100 * row.share:.0f} % of {row.ceiling}"
    return row.task, f"{median:.4g}", f"{low:.4g} to {high:.4g}", row.unit, share
