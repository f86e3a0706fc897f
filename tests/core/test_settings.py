"""Settings: names, defaults and refusals of the environment variables."""

import dataclasses
import re
from pathlib import Path

import pytest

from vit_core.errors import BadSetting
from vit_core.settings import PUBLIC_BUCKET, Settings, bundled_data_dir, parse_size

README = Path(__file__).resolve().parents[2] / "README.md"


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()
    assert Settings().bucket == PUBLIC_BUCKET


def test_an_empty_variable_keeps_the_default():
    assert Settings.from_environment({"VIT_BUCKET": "  ", "VIT_INDEX": ""}) == Settings()


def test_each_variable_reaches_its_field(tmp_path: Path):
    settings = Settings.from_environment(
        {
            "VIT_BUCKET": "gs://mine/folder",
            "VIT_INDEX": "index.csv",
            "VIT_CACHE_DIR": str(tmp_path / "cache"),
            "VIT_CACHE_LIMIT": "1.5G",
            "VIT_RUNS_DIR": str(tmp_path / "runs"),
            "VIT_ENGINE": "local",
            "VIT_DEVICE": "CPU",
            "VIT_MAX_UPLOAD_MB": "50",
            "VIT_ALLOWED_HOSTS": "mirror.example.org, Files.example.org:8443",
        }
    )
    assert settings == Settings(
        bucket="gs://mine/folder",
        index="index.csv",
        cache_dir=tmp_path / "cache",
        cache_limit_bytes=1_500_000_000,
        runs_dir=tmp_path / "runs",
        engine="local",
        device="cpu",
        max_upload_mb=50,
        allowed_hosts=("mirror.example.org", "files.example.org:8443"),
    )


def test_a_relative_folder_becomes_absolute():
    assert Settings.from_environment({"VIT_CACHE_DIR": "here"}).cache_dir == Path.cwd() / "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIT_DEVICE", "toaster"),
        ("VIT_ENGINE", "steam"),
        ("VIT_ALLOWED_HOSTS", "https://mirror.example.org"),
        ("VIT_CACHE_LIMIT", "-1"),
        ("VIT_CACHE_LIMIT", "0"),
        ("VIT_CACHE_LIMIT", "lots"),
        ("VIT_CACHE_LIMIT", "1e400"),
        ("VIT_MAX_UPLOAD_MB", "0"),
        ("VIT_MAX_UPLOAD_MB", "2.5"),
        ("VIT_CACHE_DIR", "~nobody-of-this-name/x"),
        ("VIT_RUNS_DIR", "~nobody-of-this-name/x"),
    ],
)
def test_an_impossible_value_is_refused_with_its_name_and_value(name: str, value: str):
    with pytest.raises(BadSetting, match=f"{name} is '{re.escape(value)}'"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("2K", 2000), ("20 GB", 20 * 10**9), ("1t", 10**12)])
def test_sizes_are_powers_of_1000(text: str, size: int):
    assert parse_size("SIZE", text) == size


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().bucket = "other"  # type: ignore[misc]


def test_the_bundled_data_is_there():
    assert (bundled_data_dir() / "labels" / "imagenet2012.txt").is_file()


def test_the_readme_lists_every_variable_with_its_default():
    source = Path(Settings.from_environment.__func__.__code__.co_filename).read_text()
    variables = set(re.findall(r"VIT_[A-Z_]+", source))
    assert len(variables) == len(dataclasses.fields(Settings))
    text = README.read_text()
    missing = {name for name in variables if f"| `{name}` |" not in text}
    assert missing == set()
