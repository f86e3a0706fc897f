"""How a repository of the Hugging Face Hub is named, and which addresses mean one. Nothing is asked."""

import pytest

from vit_core.errors import BadInput
from vit_core.settings import Settings
from vit_core.store.store import Store

NAME = "hf:timm/vit_tiny"


@pytest.fixture
def store(tmp_path):
    return Store(Settings(bucket=str(tmp_path), cache_dir=tmp_path / "cache"))


@pytest.mark.parametrize(
    "text",
    [
        "hf:",
        "hf:timm",
        "hf:timm/a/b",
        "hf:../x",
        "hf:timm/..",
        "hf:timm/a--b",
        "hf:timm/x@",
        "hf:timm/x@../y",
        "hf:a/b c",
        "hf:a/b.git@v1",
        "hf:a/b/sub/model.safetensors",
    ],
)
def test_a_name_that_can_be_no_repository_is_refused(store, text):
    with pytest.raises(BadInput, match=r"names no repository"):
        store.locate(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://huggingface.co/timm/vit_tiny", NAME),
        ("https://huggingface.co/timm/vit_tiny/tree/main", NAME),
        ("https://hf.co/timm/vit_tiny/blob/v1/config.json", f"{NAME}@v1"),
        (
            "https://huggingface.co/timm/vit_tiny/resolve/refs%2Fpr%2F1/model.safetensors?download=true",
            f"{NAME}@refs/pr/1",
        ),
        ("https://huggingface.co/timm/vit_tiny/tree/refs/pr/1", f"{NAME}@refs/pr/1"),
        (f"https://huggingface.co/timm/vit_tiny/commit/{'0123456789' * 4}", f"{NAME}@{'0123456789' * 4}"),
        ("https://huggingface.co/timm/vit_tiny/commits/v1", f"{NAME}@v1"),
        ("https://HuggingFace.co.:443/timm/vit_tiny/", NAME),
        ("HF:timm/vit_tiny", NAME),
        ("hf:\N{WORD JOINER}timm/vit_tiny", NAME),  # as copied from a sentence of a page
        ("https:\N{WORD JOINER}//huggingface.co/timm/vit_tiny ", NAME),
    ],
)
def test_the_address_of_a_page_of_the_hub_is_its_repository(store, text, name):
    assert store.locate(text).name == name


@pytest.mark.parametrize(
    "path",
    [
        "timm/vit_tiny/resolve/main/sub/other.safetensors",
        "timm/vit_tiny/blob/main/step_2/model.npz",
        "timm/vit_tiny/blob/main/sub%2Fmodel.safetensors",
        "timm/vit_tiny/tree/main/sub",
        "timm/vit_tiny/resolve/main/pytorch_model.bin",
        "timm/vit_tiny/resolve/main/model-00001-of-00002.safetensors",
        "timm/vit_tiny/discussions/1",
        "datasets/timm/imagenet-1k-wds",
        "spaces/timm/leaderboard",
        "docs/timm",
        "api/models/timm/vit_tiny",
    ],
)
def test_an_address_of_the_hub_that_means_something_else_is_refused(store, path):
    with pytest.raises(BadInput, match=r"names one file|is not the page of a (model|repository as a whole)"):
        store.locate(f"https://huggingface.co/{path}")


def test_naming_a_repository_does_not_import_the_library(start_python, answer_of):
    program = (
        "import json, os, sys; from vit_core.settings import Settings; from vit_core.store.store import Store\n"
        f"Store(Settings.from_environment(os.environ)).local_path({NAME!r})\n"
        "print(json.dumps('huggingface_hub' in sys.modules))\n"
    )
    assert answer_of(start_python(program)) is False
