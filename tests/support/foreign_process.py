"""Runs Python code where this project is not installed: a folder with the named packages alone, and nothing else."""

import subprocess
import sys
import sysconfig
from pathlib import Path

# What `pip install jax flatbuffers pillow` brings, by the names of the folders.
PACKAGES = ("jax", "jaxlib", "ml_dtypes", "numpy", "opt_einsum", "scipy", "flatbuffers", "PIL")


def run_without_project(code, folder):
    """Give the finished process of a program, run inside a folder; the project cannot be imported there."""
    site = Path(sysconfig.get_paths()["purelib"])
    packages = folder / ".packages"
    packages.mkdir(exist_ok=True)
    libraries = [f"{name}.libs" for name in ("numpy", "scipy", "pillow")]
    for name in [*PACKAGES, *libraries]:
        if (site / name).exists() and not (packages / name).exists():
            (packages / name).symlink_to(site / name)
    start = f"""
import importlib.util, sys
sys.path.append({str(packages)!r})
assert importlib.util.find_spec("vit_core") is None and importlib.util.find_spec("flax") is None
"""
    # -I: no variables, no user's packages, not the folder itself; -S: no installed packages either.
    command = [sys.executable, "-I", "-S", "-c", start + code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=240)
