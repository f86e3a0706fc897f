"""What is aimed at, as data: each target with what has to be reached, and how it follows from the result files.

Ratios are "times as good as the peer", of windows measured in turns. A target without all its results is "not
measured", never met.
"""

import dataclasses
import statistics
from collections.abc import Callable, Iterator

from benchmarks.cells import COMPILED, EAGER, LINEN, MODELS, ONNX, OURS, PILLOW, SCRIPT
from benchmarks.results_index import Results

Measure = Callable[[Results], float | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One aim.

    Attributes:
        what: is measured, for people.
        unit: of the figure: "x" for a ratio to a peer, "%" of a ceiling, "s", "ms", "MB", "kB".
        must: what has to be reached.
        stretch: what would be better still; None where there is nothing more to want.
        measure: the figure of the results, or None where it was not measured.
        more: whether more is better.
    """

    what: str
    unit: str
    must: float
    measure: Measure
    stretch: float | None = None
    more: bool = True

    def verdict(self, results: Results) -> str:
        """Give "stretch", "met", "not met" or "not measured"."""
        figure = self.measure(results)
        if figure is None:
            return "not measured"
        if self.stretch is not None and self._reaches(figure, self.stretch):
            return "stretch"
        return "met" if self._reaches(figure, self.must) else "not met"

    def _reaches(self, figure: float, aim: float) -> bool:
        return figure >= aim if self.more else figure <= aim


def targets() -> Iterator[Target]:
    """Give all of them."""
    yield from _inference()
    yield from _training()
    yield from _start_and_load()
    yield from _files()
    yield from _catalogue_and_pages()
    yield from _gpu()


_BEST_OF = (EAGER, COMPILED, ONNX)


def _file(kind: str, model: str, batch: int) -> str:
    return f"{kind}-{model.replace('+', '_').replace('/', '_')}-b{batch}"


def _inference() -> Iterator[Target]:
    for batch in (8, 32):
        for model in MODELS:
            file = _file("infer", model, batch)
            yield Target(
                what=f"inference {model}, batch {batch}, against the best of timm eager, timm compiled, ONNX Runtime",
                unit="x",
                must=1.0,
                measure=lambda results, file=file: results.worst_ratio(file, OURS, _BEST_OF),
            )
    yield Target(what="median of these ten", unit="x", must=1.15, measure=_median_of_inference)
    for model in ("S/16", "B/16"):
        file = _file("infer", model, 32)
        yield Target(
            what=f"inference {model}, batch 32, of the matrix product's ceiling, a stretch",
            unit="%",
            must=0.0,
            stretch=90.0,
            measure=lambda results, file=file: _share(results, file),
        )
    for model in MODELS:
        file = _file("infer", model, 1)
        for peer, must, stretch in ((ONNX, 0.95, 1.05), (EAGER, 1.1, None)):
            yield Target(
                what=f"inference {model}, batch 1, against {peer}",
                unit="x",
                must=must,
                stretch=stretch,
                measure=lambda results, file=file, peer=peer: _ratio(results, file, peer),
            )


def _training() -> Iterator[Target]:
    for model in ("Ti/16", "S/16"):
        file = _file("train", model, 32)
        yield Target(
            what=f"fine-tuning step {model}, batch 32, against timm eager",
            unit="x",
            must=0.95,
            stretch=1.1,
            measure=lambda results, file=file: _ratio(results, file, EAGER),
        )
        yield Target(
            what=f"its peak memory, of timm's ({model})",
            unit="x",
            must=1.0,
            more=False,
            measure=lambda results, file=file: _quotient(
                results.median(file, f"{OURS}, peak memory"), results.median(file, f"{EAGER}, peak memory")
            ),
        )


def _start_and_load() -> Iterator[Target]:
    for model, must, stretch in (("Ti/16", 1.2, 1.0), ("B/16", 2.2, 1.6)):
        file = f"start-{model.replace('/', '_')}"
        yield Target(
            what=f"process start to first prediction {model}, of the time of the original's stand-in",
            unit="x",
            must=0.45,
            more=False,
            measure=lambda results, file=file: _inverse(_ratio(results, file, LINEN)),
        )
        yield Target(
            what=f"process start to first prediction {model}",
            unit="s",
            must=must,
            stretch=stretch,
            more=False,
            measure=lambda results, file=file: results.median(file, OURS),
        )
    yield Target(
        what="second checkpoint of B/16 to first prediction",
        unit="s",
        must=0.15,
        more=False,
        measure=lambda results: results.median("load", "second checkpoint to first prediction"),
    )
    yield Target(
        what="checkpoint file of B/16 to device, of np.load's time",
        unit="x",
        must=0.1,
        more=False,
        measure=lambda results: _inverse_of(results, "load", "file to device", "file to device, np.load"),
    )
    yield Target(what="peak memory of it, of the file", unit="x", must=1.5, more=False, measure=_peak_of_file)


def _files() -> Iterator[Target]:
    for size, must in (("500x375", 1.5), ("12_megapixels", 3.0)):
        yield Target(
            what=f"JPEG files to labels, Ti/16, {size.replace('_', ' ')}, against a timm + Pillow script",
            unit="x",
            must=must,
            measure=lambda results, file=f"files-Ti_16-{size}": _ratio(results, file, SCRIPT),
        )
    yield Target(
        what="JPEG files to labels, Ti/16, 12 megapixels, of what decoding alone allows, a stretch",
        unit="%",
        must=0.0,
        stretch=90.0,
        measure=_of_decoding,
    )
    for size, must in (("500x375", 2.5), ("12_megapixels", 5.0)):
        yield Target(
            what=f"decode and resize, {size.replace('_', ' ')}, per CPU second, against plain Pillow",
            unit="x",
            must=must,
            measure=lambda results, file=f"decode-{size}": _ratio(results, file, PILLOW),
        )


def _catalogue_and_pages() -> Iterator[Target]:
    yield from (
        _less("index: load", "ms", 22, "catalog", "load the table"),
        _less("index: filter, group and sort", "ms", 6, "catalog", "filter, group and sort, 51,509 rows"),
    )
    yield Target(
        what="the same with ten times the rows, in times",
        unit="x",
        must=10,
        more=False,
        measure=lambda results: _quotient(
            results.median("catalog", "filter, group and sort, 515,090 rows"),
            results.median("catalog", "filter, group and sort, 51,509 rows"),
        ),
    )
    yield from (
        _less("pages: first useful screen, warm", "s", 2.0, "pages", "first useful screen", stretch=1.2),
        _less("pages: filter to visible", "s", 0.5, "pages", "filter to visible", stretch=0.3),
        _less("pages: payload", "kB", 150, "pages", "payload of the session"),
        _less("web process after Explore", "MB", 320, "pages", "web process after Explore", stretch=220),
        _less("50 browsing sessions beside one classifying user, 95 % within", "s", 1.0, "sessions", "95 % of answers"),
        _less("errors of these sessions", "errors", 0, "sessions", "errors"),
    )


def _gpu() -> Iterator[Target]:
    yield _of_gpu("B/16, batch 256", 11_000)
    yield _of_gpu("L/16, batch 256", 3_600)
    yield _of_gpu("L/16, batch 256, 384 px", 1_050)
    yield _of_gpu("B/16, batch 256", 3_000, what="fine-tuning")
    yield Target(
        what="one photo through classify, B/16, on one H200",
        unit="ms",
        must=2.0,
        more=False,
        measure=lambda results: results.median("gpu", f"one photo by classify B/16, batch 1: {OURS}"),
    )


def _of_gpu(where: str, must: float, *, what: str = "inference") -> Target:
    task = f"{what} {where}: {OURS}"
    return Target(
        what=f"{what} {where}, bfloat16, on one H200",
        unit="img/s",
        must=must,
        measure=lambda results: results.median("gpu", task),
    )


def _less(what: str, unit: str, must: float, file: str, task: str, *, stretch: float | None = None) -> Target:
    return Target(
        what=what,
        unit=unit,
        must=must,
        stretch=stretch,
        more=False,
        measure=lambda results: results.median(file, task),
    )


def _ratio(results: Results, file: str, peer: str) -> float | None:
    ratio = results.ratio(file, OURS, peer)
    return None if ratio is None else ratio.median


def _inverse_of(results: Results, file: str, ours: str, theirs: str) -> float | None:
    ratio = results.ratio(file, ours, theirs)
    return None if ratio is None else 1 / ratio.median


def _inverse(value: float | None) -> float | None:
    return None if value is None else 1 / value


def _quotient(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other


def _share(results: Results, file: str) -> float | None:
    row = results.row(file, OURS)
    return None if row is None or "share" not in row else 100 * float(row["share"])


def _of_decoding(results: Results) -> float | None:
    """Give the part of the rate at which all cores would decode if they did nothing else."""
    named = results.median("files-Ti_16-12_megapixels", OURS)
    decoded = results.median("decode-12_megapixels", OURS)
    cores = results.files.get("decode-12_megapixels", {}).get("measured", {}).get("threads")
    return None if named is None or decoded is None else 100 * named / (decoded * float(cores))


def _median_of_inference(results: Results) -> float | None:
    ratios = [
        results.worst_ratio(_file("infer", model, batch), OURS, _BEST_OF) for model in MODELS for batch in (8, 32)
    ]
    known = [ratio for ratio in ratios if ratio is not None]
    return statistics.median(known) if len(known) == len(ratios) else None


def _peak_of_file(results: Results) -> float | None:
    peak = results.median("load", "memory taken by loading, at its peak")
    size = results.files.get("load", {}).get("measured", {}).get("file_bytes")
    return None if peak is None or size is None else peak * 1e6 / float(size)
