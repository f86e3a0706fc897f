"""Where weights come from, in words that may be shown to others."""

import pytest

from vit_core.export.origin import read_origin


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


@pytest.mark.parametrize("address", ["https://files.inner.example.org/secret.npz", "gs://mine/secret.npz"])
def test_an_address_that_only_its_operator_may_know_is_not_shown(address):
    assert "secret" not in read_origin(address).sentence
