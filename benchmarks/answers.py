"""Why an aim was not reached, in sentences; what they measure by comes from the results."""

import functools
from collections.abc import Callable, Iterator, Sequence

from benchmarks.cells import COMPILED, EAGER, LINEN, MODELS, ONNX, OURS, SCRIPT
from benchmarks.floors import CHAINS, COPY, FORWARD, IMPORT, STEM
from benchmarks.results_index import Results
from benchmarks.targets import Target
from vit_core.bench.ceilings import MATRIX

Answer = Callable[[Results], str]


def answers(targets: Sequence[Target], results: Results) -> Iterator[tuple[Target, str]]:
    """Give each aim that was measured and not reached, with the reason; "" where none is known."""
    for target in targets:
        if target.verdict(results) == "not met":
            known = (answer for beginning, answer in _ANSWERS.items() if target.what.startswith(beginning))
            try:
                yield target, next((answer(results) for answer in known), "")
            except LookupError:  # what it would be told by was not measured
                yield target, ""


def _start(results: Results, model: str) -> str:
    stand_in = _median(results, f"start-{model}", LINEN)
    return (
        f"Every process that computes with JAX imports it first: {_median(results, 'floors', IMPORT):.2f} s of Python, "
        f"`import jax` and its devices alone. 0.45 times the stand-in's {stand_in:.2f} s is {0.45 * stand_in:.2f} s"
        + (f", and one image takes another {_median(results, 'floors', FORWARD):.2f} s." if model == "B_16" else ".")
    )


def _second(results: Results) -> str:
    return (
        f"One image through B/16 alone takes {_median(results, 'floors', FORWARD):.2f} s here, with everything loaded "
        f"and compiled: 35 GFLOP, where products of matrices reach {_median(results, 'floors', MATRIX):.0f} GFLOP/s. "
        "Nothing is compiled for the second checkpoint."
    )


def _load(results: Results) -> str:
    copy, numpy = _median(results, "floors", COPY), _median(results, "load", "file to device, np.load")
    aligned = _median(results, "load", "file to device, as this project writes files")
    return (
        f"The arrays of published files begin at any byte and have to be copied, {copy:.3f} s for one core. Without a "
        f"copy, as for files that this project writes, it takes {aligned:.3f} s: together "
        f"{(copy + aligned) / numpy:.2f} of np.load's {numpy:.2f} s. An aligned copy of each download would take twice "
        "the disk."
    )


def _one_image(results: Results, model: str) -> str:
    said = [
        f"of {chain.tokens} rows with the weights of {chain.what} reach "
        f"{_median(results, 'floors', chain.task('XLA')):.0f} GFLOP/s in XLA and "
        f"{_median(results, 'floors', chain.task('NumPy')):.0f} in NumPy"
        for chain in CHAINS
        if chain.model == model
    ]
    if not said:
        raise LookupError(f"No products of {model} were measured alone.")
    tried = (
        " Tried with Ti/16 without gain: halves of the tokens within a program or on two host devices, fused query, "
        "key and value, more threads; with such products alone: weights as constants, the tokens as columns."
    )
    return (
        f"One image gives the cores little to share out. Products {', those '.join(said)}, where large ones reach "
        f"{_median(results, 'floors', MATRIX):.0f}.{'' if model.startswith('Mixer') else tried}"
    )


def _hybrid(results: Results) -> str:
    stem = _median(results, "floors", STEM)
    return (
        f"The first convolution of one image reaches {stem:.0f} GFLOP/s in XLA, and a product of gathered pixels in "
        f"its place was slower. {_one_image(results, 'R+Ti/16')}"
    )


def _median_of_ten(results: Results) -> str:
    shares = {
        model: max(
            float(row["share"])
            for peer in (EAGER, COMPILED, ONNX)
            if (row := results.row(f"infer-{model}-b8", peer)) is not None
        )
        for model in ("S_16", "B_16")
    }
    return (
        "The best peer is near what the machine can multiply: at batch 8 it reaches "
        + " and ".join(
            f"{share:.0%} of a large product's rate with {model.replace('_', '/')}" for model, share in shares.items()
        )
        + ", and 1.15 times that would be "
        + " and ".join(f"{1.15 * share:.0%}" for share in shares.values())
        + "."
    )


def _files(results: Results) -> str:
    ours, script = (_median(results, "files-Ti_16-500x375", name) for name in (OURS, SCRIPT))
    alone = _median(results, "infer-Ti_16-b32", OURS)
    return (
        f"The forward pass alone makes {alone:.0f} images a second at this batch, from files it is {ours:.0f}: "
        f"decoding is hidden behind it but for {max(0.0, 1 - ours / alone):.0%}. The script makes {script:.0f}."
    )


_ANSWERS: dict[str, Answer] = {
    "process start to first prediction Ti/16": lambda results: _start(results, "Ti_16"),
    "process start to first prediction B/16": lambda results: _start(results, "B_16"),
    "second checkpoint": _second,
    "checkpoint file": _load,
    "median of these ten": _median_of_ten,
    "JPEG files to labels, Ti/16, 500x375": _files,
    **{
        f"inference {model}, batch 1, against": (
            _hybrid if model.startswith("R") else functools.partial(_one_image, model=model)
        )
        for model in MODELS
    },
}


def _median(results: Results, file: str, task: str) -> float:
    """Give the median of a row that an answer needs.

    Raises:
        LookupError: it was not measured.
    """
    figure = results.median(file, task)
    if figure is None:
        raise LookupError(f"There is no row {task!r} in {file}.json, which an answer needs.")
    return figure
