"""Where weights come from, in words that may be shown to others."""

import pytest

from vit_core.export.origin import read_origin

TI = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


def test_a_repository_of_the_hub_is_named():
    origin = read_origin("hf:me/flowers@v1")

    assert (origin.sentence, origin.hub) == ("`hf:me/flowers@v1`.", "me/flowers")


def test_timms_copy_has_the_licence_of_its_original():
    origin = read_origin("hf:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k")

    assert origin.is_apache
    assert "of the AugReg collection" in origin.sentence
    assert origin.hub == "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def test_a_file_of_another_release_is_named_with_its_paper():
    origin = read_origin("gs://vit_models/sam/ViT-B_16.npz")

    assert "published with SAM (licence Apache-2.0)" in origin.sentence
    assert "arXiv:2106.01548" in origin.sentence


@pytest.mark.parametrize(
    ("spelling", "usual"),
    [
        ("hf://timm/vit_base_patch16_224.sam_in1k", "hf:timm/vit_base_patch16_224.sam_in1k"),
        ("HF:timm/vit_base_patch16_224.sam_in1k@main", "hf:timm/vit_base_patch16_224.sam_in1k"),
        ("https://huggingface.co/timm/vit_base_patch16_224.sam_in1k", "hf:timm/vit_base_patch16_224.sam_in1k"),
        (
            "https://hf.co/timm/vit_tiny_patch16_224.augreg_in21k/tree/main",
            "hf:timm/vit_tiny_patch16_224.augreg_in21k",
        ),
        ("https://storage.googleapis.com/vit_models/sam/ViT-B_16.npz", "gs://vit_models/sam/ViT-B_16.npz"),
        (" gs://vit_models/sam/ViT-B_16.npz ", "gs://vit_models/sam/ViT-B_16.npz"),
        (
            f"https://storage.googleapis.com/vit_models/augreg/{TI}.npz",
            TI,
        ),
    ],
)
def test_every_spelling_of_an_address_has_one_origin(spelling, usual):
    assert read_origin(spelling) == read_origin(usual)
    assert read_origin(spelling).is_apache


@pytest.mark.parametrize(
    ("copy", "paper"),
    [("hf:google/vit-large-patch16-384", "2010.11929"), ("hf:timm/vit_base_patch16_224.sam_in1k", "2106.01548")],
)
def test_a_copy_that_the_catalogue_offers_has_the_licence_and_paper_of_its_original(copy, paper):
    origin = read_origin(copy)

    assert (origin.title, origin.hub, origin.is_apache) == (copy, copy.removeprefix("hf:"), True)
    assert paper in origin.sentence


def test_another_revision_than_the_one_listed_is_promised_no_licence():
    origin = read_origin("hf:google/vit-large-patch16-384@v2")

    assert (origin.hub, origin.is_apache) == ("google/vit-large-patch16-384", False)


@pytest.mark.parametrize("address", ["https://files.inner.example.org/secret.npz", "gs://mine/secret.npz"])
def test_an_address_that_only_its_operator_may_know_is_not_shown(address):
    assert "secret" not in read_origin(address).sentence
