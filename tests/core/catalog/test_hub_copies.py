"""Copies on the hub: of each file that timm has, with what differs in words."""

import pytest

from vit_core.catalog.families import families
from vit_core.catalog.hub_copies import hub_copy, offering_copy
from vit_core.catalog.timm_tags import TIMM_TAGS
from vit_core.errors import AccessDenied
from vit_core.store.address import read_hub_name

TINY = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


@pytest.mark.parametrize("name", [TINY, f"{TINY}.npz", f"gs://vit_models/augreg/{TINY}.npz"])
def test_a_file_of_augreg_has_timms_copy(name):
    assert hub_copy(name).name == "hf:timm/vit_tiny_patch16_224.augreg_in21k"


def test_what_is_different_is_said():
    hybrid = next(name for name in TIMM_TAGS if name.startswith("R50"))

    assert "tanh form" in hub_copy(TINY).difference
    assert "convolutions" not in hub_copy(TINY).difference
    assert "convolutions" in hub_copy(hybrid).difference


def test_each_copy_is_a_repository_and_says_what_differs():
    copies = [copy for name in (*TIMM_TAGS, *families()) if (copy := hub_copy(name))]

    assert len(copies) > len(TIMM_TAGS)
    assert all(read_hub_name(copy.name) and copy.difference for copy in copies)


@pytest.mark.parametrize("name", ["nothing", "", "run:pets", "hf:timm/vit_base_patch16_224.orig_in21k"])
def test_other_names_have_none(name):
    assert hub_copy(name) is None


def test_a_closed_bucket_names_the_copy():
    with pytest.raises(AccessDenied, match=r"closed\. The same weights .* hf:timm/vit_tiny"), offering_copy(TINY):
        raise AccessDenied("It is closed.")


def test_a_closed_bucket_without_a_copy_stays_as_it_is():
    with pytest.raises(AccessDenied, match=r"^It is closed\.$"), offering_copy("nothing"):
        raise AccessDenied("It is closed.")
