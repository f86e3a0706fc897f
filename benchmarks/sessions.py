"""Many people browsing at once, beside one who classifies without a pause: how long until a page has answered.

A session is a connection as the browser makes it; a click asks for Explore with another filter and is answered when the
page's script has run to its end. What a browser then draws is not part of it (that is `bench pages`). Everybody thinks
for ten seconds on average between clicks. The one who classifies is a process that keeps the cores busy with Ti/16.
"""

import asyncio
import contextlib
import dataclasses
import random
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.growth_point import Point
from vit_core.bench.conditions import Conditions
from vit_core.bench.report import Report, Row, write_report
from vit_core.bench.served import Served, running_app

THINK_S = 10.0
_CLICKS = 3  # of each session
_PATIENCE_S = 60.0
_TOLD = 50  # sessions that the aims speak of
# What a click may ask for: two hundred questions, of which the app keeps the answers to a dozen.
_CHOICES = {
    "model": ("Ti/16", "R+Ti/16", "S/32", "S/16", "R26+S/32", "B/32", "B/16", "L/16", "R50+L/32"),
    "ds": ("i21k", "i21k_30", "i1k"),
    "aug": ("none", "light1", "medium1", "medium2", "strong1", "strong2"),
    "wd": ("0.03", "0.1"),
    "search": ("sd_0.1", "lr_0.001"),
}


@dataclasses.dataclass
class Answers:
    """What the sessions met with.

    Attributes:
        seconds: of each click.
        errors: clicks without an answer, and answers with an error.
    """

    seconds: list[float] = dataclasses.field(default_factory=list)
    errors: int = 0


def by_sessions(sizes: Sequence[int], *, folder: Path | None, think_s: float = THINK_S) -> Iterator[Point]:
    """Let so many people browse.

    Args:
        sizes: how many at once.
        folder: where `sessions.json` goes for the number that the aims speak of; None keeps it to this answer.
        think_s: mean seconds between two clicks of one of them.
    """
    for size in sizes:
        conditions = Conditions()
        with running_app() as app, _classifying():
            asyncio.run(_browse(app, 1, think_s=0.0))  # the first visit of all loads the catalogue
            answers = asyncio.run(_browse(app, size, think_s=think_s))
            memory = app.memory_bytes()
        if size == _TOLD and folder is not None:
            write_report(folder / "sessions.json", _report(answers, memory, conditions))
        yield Point(size, "half of the answers within", "s", (_share_within(answers, 0.5),))
        yield Point(size, "95 % of the answers within", "s", (_share_within(answers, 0.95),))
        yield Point(size, "web process", "MB", (memory / 1e6,))
        yield Point(size, "errors", "errors", (float(answers.errors),))


def _report(answers: Answers, memory: int, conditions: Conditions) -> Report:
    rows = (
        Row(task="half of answers", unit="s", better="less", figures=(_share_within(answers, 0.5),)),
        Row(task="95 % of answers", unit="s", better="less", figures=(_share_within(answers, 0.95),)),
        Row(task="errors", unit="errors", better="less", figures=(float(answers.errors),)),
        Row(task="web process", unit="MB", better="less", figures=(memory / 1e6,)),
    )
    return Report(
        bench="sessions",
        subject=f"{_TOLD} browsing sessions, {THINK_S:g} s between clicks, beside one who classifies",
        options={"sessions": _TOLD, "think_s": THINK_S, "clicks": len(answers.seconds)},
        measured=conditions.to_plain(spread="one campaign"),
        rows=rows,
    )


def _share_within(answers: Answers, share: float) -> float:
    if not answers.seconds:
        return _PATIENCE_S
    ordered = sorted(answers.seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextlib.contextmanager
def _classifying() -> Iterator[None]:
    words = ("bench", "infer", "--model", "Ti/16", "--batch", "1", "--windows", "100000", "--device", "cpu")
    process = subprocess.Popen(
        [sys.executable, "-m", "vit_core", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def _browse(app: Served, sessions: int, *, think_s: float) -> Answers:
    answers = Answers()
    await asyncio.gather(*(_session(app, answers, think_s=think_s, seed=seed) for seed in range(sessions)))
    return answers


async def _session(app: Served, answers: Answers, *, think_s: float, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311  # no secret
    await asyncio.sleep(choose.uniform(0, think_s))  # people do not all come at once
    address = app.url.replace("http", "ws") + "/_stcore/stream"
    try:
        async with websockets.connect(
            address, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None
        ) as link:
            await _click(link, "", answers, is_counted=False)  # the arrival
            for _ in range(_CLICKS):
                await asyncio.sleep(choose.uniform(0.5, 1.5) * think_s)
                await _click(link, _question(choose), answers, is_counted=True)
    except (OSError, TimeoutError, websockets.WebSocketException):
        answers.errors += 1


def _question(choose: random.Random) -> str:
    """Give the query of one filter or two."""
    names = choose.sample(sorted(_CHOICES), choose.choice((1, 2)))
    return urllib.parse.urlencode({name: choose.choice(_CHOICES[name]) for name in names})


async def _click(link: websockets.ClientConnection, query: str, answers: Answers, *, is_counted: bool) -> None:
    message = BackMsg()
    message.rerun_script.query_string = query
    began = time.perf_counter()
    await link.send(message.SerializeToString())
    async with asyncio.timeout(_PATIENCE_S):
        while not _is_end(await link.recv(), answers):
            continue
    if is_counted:
        answers.seconds.append(time.perf_counter() - began)


def _is_end(data: bytes | str, answers: Answers) -> bool:
    if isinstance(data, str):
        return False
    message = ForwardMsg()
    message.ParseFromString(data)
    kind = message.WhichOneof("type")
    if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
        answers.errors += 1
    return kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
