"""How long files and functions are: `python -m benchmarks.shape` prints the figures and the longest offenders.

Aims: the median file at most 150 lines and none above 400; the 90th percentile of functions at most 30 lines and none
above 60; at least as much test code as code. Lines are counted as they stand, docstrings included.
"""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE_LIMIT, FUNCTION_LIMIT = 400, 60


def main() -> int:
    """Print the figures; exit with 1 when a file or a function is over its limit."""
    code = sorted([*(ROOT / "vit_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")])
    tests = sorted((ROOT / "tests").rglob("*.py"))
    lengths = {path: len(path.read_text().splitlines()) for path in code}
    functions = [function for path in code for function in _functions(path)]
    by_length = sorted(length for length, _ in functions)
    test_lines = sum(len(path.read_text().splitlines()) for path in tests)
    print(f"files      {len(code)}: median {statistics.median(lengths.values()):.0f}, longest {max(lengths.values())}")
    print(
        f"functions  {len(functions)}: 90th percentile {by_length[int(0.9 * len(by_length))]}, longest {by_length[-1]}"
    )
    print(f"code       {sum(lengths.values())} lines, tests {test_lines} lines")
    offenders = [f"{n} lines: {path.relative_to(ROOT)}" for path, n in lengths.items() if n > FILE_LIMIT]
    offenders += [f"{n} lines: {name}" for n, name in functions if n > FUNCTION_LIMIT]
    for offender in offenders:
        print("over the limit:", offender)
    return 1 if offenders else 0


def _functions(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


if __name__ == "__main__":
    sys.exit(main())
