"""A checkpoint that has to come from a bucket: progress, cancel, and what is said when the bucket refuses."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from vit_core.checkpoints.restore import save_npz
from vit_core.models.config import variant
from vit_core.models.initialise import init_params

NAME = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0--imagenet2012-steps_20k-lr_0.03-res_224"
SLOW_MS = 120_000
FIELD = '[class*="st-key-pictures-drop"] input[type=file]'


@pytest.fixture(scope="module")
def checkpoint_bytes(tmp_path_factory):
    """The bytes of a Ti/16 with random weights, 23 MB."""
    path = tmp_path_factory.mktemp("bucket") / "ti16.npz"
    config = variant("Ti/16")
    params = init_params(config, seed=0)
    # Fresh weights have a head of zeros, which names no classes.
    params["head"]["kernel"] = np.random.default_rng(0).normal(0, 0.02, params["head"]["kernel"].shape)
    save_npz(path, config, params)
    return path.read_bytes()


@pytest.fixture(scope="module")
def app(start_app, module_fault_proxy):
    """The app with a bucket that a test can fill and spoil."""
    return start_app(STORAGE_EMULATOR_HOST=module_fault_proxy.url)


@pytest.fixture
def bucket(module_fault_proxy):
    module_fault_proxy.reset()
    module_fault_proxy.empty()
    yield module_fault_proxy
    module_fault_proxy.reset()


def test_a_closed_bucket_is_named_with_the_ways_out(visit, app, bucket):
    bucket.answer(403)
    page = visit(app, f"/classify?checkpoint={NAME}")

    page.get_by_role("button", name="Download").click()

    expect(page.get_by_text("The bucket is closed to visitors without an account")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Use the demo model").click()
    expect(page.locator(".st-key-checkpoint-card")).to_contain_text("the best of the demo models")
    expect(page).not_to_have_url(re.compile("checkpoint="))


def test_a_missing_file_is_named(visit, app, bucket):
    page = visit(app, f"/classify?checkpoint={NAME}")

    page.get_by_role("button", name="Download").click()

    expect(page.get_by_text("The bucket answers, but has no such file.")).to_be_visible(timeout=SLOW_MS)


def test_a_download_shows_its_progress_can_be_cancelled_and_then_answers(visit, app, bucket, checkpoint_bytes, jpeg):
    bucket.put(f"{NAME}.npz", checkpoint_bytes)
    bucket.slow(bytes_per_s=3_000_000)
    page = visit(app, f"/classify?checkpoint={NAME}")
    expect(page.get_by_role("button", name="Download 23 MB")).to_be_visible()

    page.get_by_role("button", name="Download").click()
    expect(page.get_by_text(re.compile(r"\d+ of 23 MB · [\d.]+ MB/s · \d+ seconds left"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Download 23 MB")).to_be_visible()

    bucket.reset()
    page.get_by_role("button", name="Download 23 MB").click()
    page.locator(FIELD).set_input_files([{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1)}])
    expect(page.locator(".vx-guesses li").first).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("The other 995 classes share the remaining")).to_be_visible()


def test_no_network_is_named(visit, start_app):
    page = visit(start_app(VIT_BUCKET="http://127.0.0.1:1/augreg"), f"/classify?checkpoint={NAME}")

    page.get_by_role("button", name="Download").click()

    expect(page.get_by_text("The bucket gives no answer.").first).to_be_visible(timeout=SLOW_MS)
