"""Forward passes that an earlier process traced, kept as text beside JAX's compiled programs.

Tracing a model takes Flax and half a second, and gives the same StableHLO each time. What lies here is that text, under
a name that follows from all that decides it, the source code included; JAX's compile cache then finds the compiled
program by the text. A file that is missing, damaged or cannot be written costs the time of tracing, nothing else.
No pickle: JSON, with a checksum. The folder is that of the compile cache; the limit of our own one holds for both.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.util
import json
import logging
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.extend.mlir import ir
from jax.extend.mlir.dialects import func
from jax.interpreters import mlir
from jaxlib.version import __version__ as jaxlib_version
from jaxtyping import Array

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).resolve().parents[1]
# What a trace depends on, of JAX's settings.
_SETTINGS = ("jax_enable_x64", "jax_default_matmul_precision", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion")


@dataclasses.dataclass(frozen=True)
class Stored:
    """A traced function of arrays.

    Attributes:
        text: StableHLO, whose function "main" takes the leaves of all arguments in order.
        outputs: shape and name of the dtype of each result.
    """

    text: str
    outputs: tuple[tuple[tuple[int, ...], str], ...]

    @classmethod
    def of(cls, lowered: jax.stages.Lowered) -> "Stored":
        """Take a function that JAX has traced, with `keep_unused`, for one device."""
        outputs = tuple((tuple(leaf.shape), str(leaf.dtype)) for leaf in jax.tree.leaves(lowered.out_info))
        return cls(lowered.as_text(), outputs)

    def __call__(self, leaves: Iterable[Array]) -> tuple[Array, ...]:
        """Compute; inside `jax.jit` only."""
        return tuple(_program.bind(*leaves, stored=self))


def place(facts: Mapping[str, object]) -> Path | None:
    """Give the file of a program, there or not; None where nothing is kept.

    Args:
        facts: what decides it, beside the code, the libraries and JAX's settings.
    """
    folder = jax.config.values["jax_compilation_cache_dir"]
    if not folder or "://" in folder or not jax.config.values["jax_enable_compilation_cache"]:
        return None
    try:
        code = _code()
    except OSError as error:  # not installed as files
        logger.info("traced programs are not kept: %s", error)
        return None
    settings = {name: str(jax.config.values.get(name)) for name in _SETTINGS}
    decides = json.dumps([facts, code, settings, jax.__version__, jaxlib_version], sort_keys=True, default=repr)
    return Path(folder) / f"forward-{hashlib.sha256(decides.encode()).hexdigest()}.json"


def read(path: Path) -> Stored | None:
    """Give what is kept in a file; None where that is nothing, or not what was written."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        stored = Stored(fields["text"], tuple((tuple(shape), dtype) for shape, dtype in fields["outputs"]))
        if fields["sha256"] != _sum(stored):
            raise ValueError("its checksum is another")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        logger.warning("%s is not used: %s", path, error)
        return None
    return stored


def keep(path: Path, stored: Stored) -> None:
    """Write a file, whole or not at all; several processes may do so at once.

    Nothing is written where the source was changed since this process began: what it traced may be of either.
    """
    if _read_code() != _code():
        logger.info("the traced program is not kept: the source was changed meanwhile")
        return
    content = json.dumps({"sha256": _sum(stored), **dataclasses.asdict(stored)})
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", encoding="utf-8", delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
    except OSError as error:
        logger.warning("the traced program is not kept: %s cannot be written: %s", path, error)


@functools.cache
def _code() -> str:
    """Give the sum of the source as it was when this process began."""
    return _read_code()


def _read_code() -> str:
    """Give a sum of the source that decides a trace: ours, and the version of Flax, which is not imported for it."""
    files = sorted((_PACKAGE / "models").glob("*.py")) + [
        _PACKAGE / "inference" / name for name in ("attention.py", "programs.py", "stored.py")
    ]
    flax = importlib.util.find_spec("flax")
    if flax is not None and flax.origin is not None:
        files.append(Path(flax.origin).with_name("version.py"))
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _sum(stored: Stored) -> str:
    return hashlib.sha256(json.dumps([stored.text, stored.outputs]).encode()).hexdigest()


# `jax.export` would do the same, and imports scipy for it: 0.15 s of a process that lives for one second.
_program: Any = Primitive("vit_stored_program")  # untyped in JAX
_program.multiple_results = True


def _abstract(*_: jax.core.ShapedArray, stored: Stored) -> list[jax.core.ShapedArray]:
    return [jax.core.ShapedArray(shape, jax.numpy.dtype(dtype)) for shape, dtype in stored.outputs]


def _lower(ctx: mlir.LoweringRuleContext, *arguments: ir.Value[ir.Type], stored: Stored) -> list[ir.Value[ir.Type]]:
    module = ctx.module_context
    with module.context:
        parsed = ir.Module.parse(stored.text)
    main: Any = ir.SymbolTable(parsed.operation)["main"]  # a FuncOp; JAX says no more than that it is an operation
    name = mlir.merge_mlir_modules(module.module, "stored", parsed, dst_symtab=module.symbol_table)
    return list(func.CallOp(main.type.results, ir.FlatSymbolRefAttr.get(name), arguments).results)


_program.def_abstract_eval(_abstract)
mlir.register_lowering(_program, _lower)
with contextlib.suppress(OSError):  # `place` says so, if it is asked
    _code()
