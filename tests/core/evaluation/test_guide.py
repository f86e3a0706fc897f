"""The Python of docs/evaluation.md runs as it is shown."""

import re
import shutil
from pathlib import Path

from vit_core.settings import bundled_data_dir

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "evaluation.md"


def test_the_python_of_the_guide_runs(tmp_path, monkeypatch, capsys):
    samples = bundled_data_dir() / "demo" / "samples"
    for path in samples.glob("*.jpg"):
        label = re.sub(r"-\d+$", "", path.stem).replace("-", " ")
        if not label.startswith("digit"):
            (tmp_path / "shapes" / label).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, tmp_path / "shapes" / label / path.name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIT_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("VIT_DEVICE", "cpu")
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL).group(1)
    exec(compile(code, str(GUIDE), "exec"), {})  # what a reader would do with it
    assert "of 12 images" in capsys.readouterr().out
    assert (tmp_path / "report" / "report.html").is_file()
