"""Repositories of the Hugging Face Hub: chosen, verified, resumed, cancelled, kept, and refused in words.

huggingface_hub itself asks a server that speaks its protocol.
"""

import json
import random
import threading

import pytest

from vit_core.errors import (
    AccessDenied,
    Cancelled,
    CorruptDownload,
    ObjectMissing,
    StorageFull,
    Unreachable,
)
from vit_core.settings import Settings
from vit_core.store.store import Store

REPO, NAME = "timm/vit_tiny", "hf:timm/vit_tiny"
WEIGHTS = random.Random(5).randbytes(300_000)
CONFIG = b'{"architecture": "vit_tiny"}'
FILES = {"model.safetensors": WEIGHTS, "config.json": CONFIG, "README.md": b"# a model"}


@pytest.fixture
def settings(tmp_path):
    return Settings(bucket=str(tmp_path), cache_dir=tmp_path / "cache")


@pytest.fixture
def store(settings, patience):
    return Store(settings, patience=patience)


@pytest.fixture
def hasty_store(settings, hasty):
    return Store(settings, patience=hasty)


def test_the_weights_come_with_the_settings_beside_them(hub, store):
    hub.put(REPO, FILES)

    path = store.fetch(NAME)

    assert path.name == "model.safetensors"
    assert path.read_bytes() == WEIGHTS
    assert path.with_name("config.json").read_bytes() == CONFIG
    assert store.local_path(NAME) == path


def test_a_repository_that_is_here_is_not_asked_for_again(hub, store):
    hub.put(REPO, FILES)
    path = store.fetch(NAME)
    hub.log.clear()

    assert store.fetch(NAME) == path
    assert hub.log == []


def test_a_repository_that_is_here_works_without_a_network(hub, store, settings, hasty):
    hub.put(REPO, FILES)
    path = store.fetch(NAME)
    hub.close()

    assert Store(settings, patience=hasty).fetch(NAME) == path


def test_a_closed_hub_is_not_asked(hub, store, start_python, answer_of):
    hub.put(REPO, FILES)
    store.fetch(NAME)
    hub.log.clear()
    program = (
        "import json, os; from vit_core.settings import Settings; from vit_core.store.store import Store\n"
        "store = Store(Settings.from_environment(os.environ))\n"
        f"held = store.fetch({NAME!r}).name\n"
        "try: store.fetch('hf:timm/other')\n"
        "except Exception as error: print(json.dumps([held, str(error)]))\n"
    )
    held, other = answer_of(start_python(program, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1"))

    assert held == "model.safetensors"
    assert "hf:timm/other is not on this machine, and HF_HUB_OFFLINE is set" in other
    assert hub.log == []


def test_a_revision_keeps_apart_from_the_main_branch(hub, store):
    hub.put(REPO, FILES | {"model.safetensors": b"old" * 1000}, branch="refs/pr/1")
    hub.put(REPO, FILES)

    assert store.fetch(f"{NAME}@refs/pr/1").read_bytes() == b"old" * 1000
    assert store.fetch(NAME).read_bytes() == WEIGHTS


def test_a_cut_download_goes_on_where_it_ended(hub, store):
    hub.put(REPO, FILES)
    hub.faults = [("cut", 100_000), ("cut", 50_000)]

    assert store.fetch(NAME).read_bytes() == WEIGHTS
    assert [asked.range for asked in hub.log if asked.on == "cdn"] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_is_read_from_the_start(hub, store):
    hub.put(REPO, FILES)
    hub.faults = [("cut", 100_000), ("ignore range", 0)]

    assert store.fetch(NAME).read_bytes() == WEIGHTS


def test_damaged_bytes_are_read_once_more(hub, store):
    hub.put(REPO, FILES)
    hub.faults = [("corrupt", 777)]

    assert store.fetch(NAME).read_bytes() == WEIGHTS


def test_bytes_that_stay_damaged_are_refused_and_not_kept(hub, store):
    hub.put(REPO, FILES)
    hub.faults = [("corrupt", 777), ("corrupt", 777)]

    with pytest.raises(CorruptDownload, match=r"checksum is sha256:.* but the hub states sha256:"):
        store.fetch(NAME)
    assert store.local_path(NAME) is None


def test_a_small_file_is_checked_by_its_name_in_git(hub, hasty_store):
    commit = hub.put(REPO, FILES)
    about = hub.repos[REPO].commits[commit]
    hub.repos[REPO].commits[commit] = Shifting(about)

    with pytest.raises(CorruptDownload, match=r"checksum is git:"):
        hasty_store.fetch(NAME)


class Shifting(dict):
    """Files of which one changes after it was listed, as no hub should do."""

    def get(self, name, default=None):
        return CONFIG.replace(b"tiny", b"TINY") if name == "config.json" else super().get(name, default)


def test_a_cancelled_download_ends_at_once_and_goes_on_later(hub, store):
    hub.put(REPO, FILES)
    hub.faults = [("stall", 120_000)]
    cancel = threading.Event()
    threading.Thread(target=lambda: (hub.wait_for("cdn"), cancel.set())).start()

    with pytest.raises(Cancelled, match=r"hf:timm/vit_tiny was cancelled"):
        store.fetch(NAME, cancel=cancel)
    assert store.fetch(NAME).read_bytes() == WEIGHTS


def test_a_hub_that_does_not_answer_can_be_left(hub, store):
    hub.hub_answers = [0]
    cancel = threading.Event()
    threading.Thread(target=lambda: (hub.wait_for("hub"), cancel.set())).start()

    with pytest.raises(Cancelled, match=r"hf:timm/vit_tiny was cancelled before it began"):
        store.fetch(NAME, cancel=cancel)


def test_the_progress_is_that_of_all_files_together(hub, store):
    hub.put(REPO, FILES)
    seen = []

    store.fetch(NAME, progress=seen.append)

    total = len(WEIGHTS) + len(CONFIG)
    assert {each.name for each in seen} == {NAME}
    assert (seen[-1].done_bytes, seen[-1].total_bytes) == (total, total)


def test_many_askers_share_one_download(hub, store):
    hub.put(REPO, FILES)
    hub.bytes_per_s = 1_000_000
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(store.fetch(NAME))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert len([asked for asked in hub.log if asked.on == "cdn"]) == 1


def test_the_token_goes_to_the_hub_alone_and_nowhere_into_the_cache(hub, store, settings, monkeypatch):
    hub.put(REPO, FILES, private=True)
    monkeypatch.setenv("HF_TOKEN", hub.token)

    store.fetch(NAME)

    assert {asked.authorization for asked in hub.log if asked.on == "hub"} == {f"Bearer {hub.token}"}
    assert [asked.authorization for asked in hub.log if asked.on == "cdn"] == [None]
    kept = [path for path in settings.cache_dir.rglob("*") if path.is_file()]
    assert not [path for path in kept if hub.token.encode() in path.read_bytes()]


def test_a_password_of_netrc_takes_not_the_place_of_the_token(hub, store, tmp_path, monkeypatch):
    hub.put(REPO, FILES, private=True)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password topsecret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HF_TOKEN", hub.token)

    store.fetch(NAME)

    assert {asked.authorization for asked in hub.log if asked.on == "hub"} == {f"Bearer {hub.token}"}
    assert [asked.authorization for asked in hub.log if asked.on == "cdn"] == [None]


def test_more_bytes_than_the_hub_states_end_the_download(hub, store, settings):
    hub.put(REPO, FILES)
    hub.faults = [("too much", 20_000_000)] * 2
    seen = []

    with pytest.raises(CorruptDownload, match=r"more bytes came than the 300000 that the hub states"):
        store.fetch(NAME, progress=seen.append)
    assert max(each.done_bytes for each in seen) <= len(WEIGHTS) + len(CONFIG)


def test_a_refused_token_is_not_shown(hub, store, monkeypatch):
    hub.put(REPO, FILES)
    monkeypatch.setenv("HF_TOKEN", "hf_WrongButSecret99")

    with pytest.raises(AccessDenied, match=r"The hub refuses the token") as caught:
        store.fetch(NAME)
    assert "WrongButSecret" not in str(caught.value)


@pytest.mark.parametrize("private", [True, False])
def test_a_private_repository_looks_like_one_that_is_not_there(hub, store, private):
    if private:
        hub.put(REPO, FILES, private=True)

    with pytest.raises(ObjectMissing, match=r"has no hf:timm/vit_tiny, or it is private. Check the name; .* HF_TOKEN"):
        store.fetch(NAME)


def test_a_gated_repository_says_where_to_ask(hub, store):
    hub.put(REPO, FILES, gated=True)

    with pytest.raises(AccessDenied, match=r"is gated: .* asked on its page"):
        store.fetch(NAME)


def test_an_unknown_revision_is_named(hub, store):
    hub.put(REPO, FILES)

    with pytest.raises(ObjectMissing, match=r"hf:timm/vit_tiny has no revision 'v9'"):
        store.fetch(f"{NAME}@v9")


def test_a_pickle_is_never_taken(hub, store):
    hub.put(REPO, {"pytorch_model.bin": b"\x80\x02.", "config.json": CONFIG})

    with pytest.raises(ObjectMissing, match=r"it has config.json, pytorch_model.bin. pytorch_model.bin is a pickle"):
        store.fetch(NAME)
    assert not [asked for asked in hub.log if "resolve" in asked.path]


def test_the_one_npz_is_taken_where_there_is_no_safetensors(hub, store):
    hub.put(REPO, {"tower.npz": b"PK\x03\x04" + WEIGHTS, "README.md": b""})

    assert store.fetch(NAME).name == "tower.npz"


def test_of_several_other_files_none_is_guessed(hub, store):
    hub.put(REPO, {"a.npz": b"PK", "b.npz": b"PK"})

    with pytest.raises(ObjectMissing, match=r"several other files of weights: a.npz, b.npz"):
        store.fetch(NAME)


def test_shards_lie_beside_their_list(hub, store):
    shards = {f"model-0000{number}-of-00002.safetensors": bytes([number]) * 5000 for number in (1, 2)}
    listing = json.dumps({"weight_map": dict(zip("ab", shards, strict=True))}).encode()
    hub.put(REPO, {"model.safetensors.index.json": listing, "config.json": CONFIG, **shards})

    path = store.fetch(NAME)

    assert path.name == "model.safetensors.index.json"
    assert {each.name for each in path.parent.iterdir()} >= {*shards, "config.json"}


def test_a_commit_that_vanishes_meanwhile_is_said(hub, store):
    hub.put(REPO, FILES)
    hub.repos[REPO].commits = Vanishing(hub.repos[REPO].commits)

    with pytest.raises(ObjectMissing, match=r"changed on the hub while it was read"):
        store.fetch(NAME)


class Vanishing(dict):
    """Commits that are there for the first question only."""

    asked = 0

    def __contains__(self, commit):
        self.asked += 1
        return self.asked < 2 and super().__contains__(commit)


def test_a_busy_hub_is_asked_again(hub, store):
    hub.put(REPO, FILES)
    hub.hub_answers = [503, 429]

    assert store.fetch(NAME).is_file()


def test_no_network_is_said_with_the_next_step(store):
    with pytest.raises(Unreachable, match=r"nothing answers there.*Check the network.*HF_ENDPOINT"):
        store.fetch(NAME)


def test_a_page_in_place_of_the_hub_is_said(hub, store):
    hub.hub_answers = [200]

    with pytest.raises(Unreachable, match=r"what answered is not a hub"):
        store.fetch(NAME)


def test_the_public_hub_may_not_redirect_to_inner_addresses(hub, patience, tmp_path):
    from vit_core.store.hub_source import HubSource
    from vit_core.store.location import HubFile

    file = HubFile(NAME, "https://huggingface.co/timm/vit_tiny/resolve/0/model.safetensors", "hub")
    source = HubSource(file, patience=patience)

    for target in (
        "http://169.254.169.254/latest",
        "https://127.0.0.1/x",
        "http://example.org/x",
        "file:///etc/passwd",
    ):
        with pytest.raises(Unreachable, match=r"The hub redirects"):
            source._check_redirect(file.url, target)
    source._check_redirect(file.url, "https://cas-bridge.xethub.hf.co/x")


def test_a_repository_is_deleted_as_a_whole(hub, patience, tmp_path):
    hub.put(REPO, FILES)
    hub.put("google/other", {"model.safetensors": bytes(250_000), "config.json": CONFIG})
    small = Store(
        Settings(bucket=str(tmp_path), cache_dir=tmp_path / "c", cache_limit_bytes=400_000), patience=patience
    )
    first = small.fetch(NAME)

    small.fetch("hf:google/other")

    assert small.local_path(NAME) is None
    assert not first.exists()
    assert not first.with_name("config.json").exists()
    assert [entry.name for entry in small.cached()] == ["hf:google/other"]


def test_a_leased_repository_keeps_all_its_files(hub, patience, tmp_path):
    hub.put(REPO, FILES)
    hub.put("google/other", {"model.safetensors": bytes(250_000), "config.json": CONFIG})
    small = Store(
        Settings(bucket=str(tmp_path), cache_dir=tmp_path / "c", cache_limit_bytes=400_000), patience=patience
    )

    with small.borrow(NAME) as path, pytest.raises(StorageFull, match=r"in use"):
        small.fetch("hf:google/other")
    assert path.with_name("config.json").is_file()


def test_clearing_frees_all_files_of_a_repository(hub, store):
    hub.put(REPO, FILES)
    path = store.fetch(NAME)

    assert store.usage().files == 1
    assert store.clear() == len(WEIGHTS) + len(CONFIG)
    assert not path.exists()
    assert store.fetch(NAME) == path
