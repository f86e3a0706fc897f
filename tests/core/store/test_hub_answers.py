"""What the hub and the servers behind it answer when they say no, and whom the sentence names."""

import pytest

from vit_core.errors import AccessDenied, ObjectMissing, Unreachable
from vit_core.settings import Settings
from vit_core.store.hub_source import HubSource
from vit_core.store.location import HubFile
from vit_core.store.store import Store

REPO, NAME = "timm/vit_tiny", "hf:timm/vit_tiny"
FILES = {"model.safetensors": bytes(range(256)) * 100}


@pytest.fixture
def store(hub, tmp_path, hasty):
    hub.put(REPO, FILES)
    return Store(Settings(bucket=str(tmp_path), cache_dir=tmp_path / "cache"), patience=hasty)


def test_a_signature_that_ended_is_asked_for_anew(hub, store):
    hub.cdn_answers = [403]

    assert store.fetch(NAME).read_bytes() == FILES["model.safetensors"]
    assert len(hub.requests("model.safetensors")) == 2


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_behind_the_hub_that_says_no_is_named(hub, store, status):
    hub.cdn_answers = [status] * 9

    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:\d+, to which the hub leads, answered {status} .*, 3 times"):
        store.fetch(NAME)
    assert len([asked for asked in hub.log if asked.on == "cdn"]) == 3


def test_a_server_behind_the_hub_that_is_not_there_is_named(hub, store):
    hub.redirect_to = "http://127.0.0.1:1/x?signature=secret"

    with pytest.raises(
        Unreachable, match=r"at 127\.0\.0\.1:1, to which the hub leads, nothing answers there"
    ) as caught:
        store.fetch(NAME)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("ending", ["/api/models/timm/vit_tiny/revision/main", "model.safetensors"])
def test_a_busy_hub_that_says_how_long_is_quoted(hub, store, ending):
    hub.refusals = [(ending, 429, {"RateLimit": '"resolvers";r=0;t=120'})] * 9

    with pytest.raises(Unreachable, match=r"answered 429 \(Too Many Requests\) and asks to wait 120 s"):
        store.fetch(NAME)
    assert len([asked for asked in hub.log if asked.path.endswith(ending)]) == 1


@pytest.mark.parametrize("ending", ["/api/models/timm/vit_tiny/revision/main", "model.safetensors"])
def test_what_the_hub_says_of_a_refusal_is_told(hub, store, ending):
    why = "Please enable access to public gated repositories in your fine-grained token settings."
    hub.refusals = [(ending, 403, {"X-Error-Message": why})]

    with pytest.raises(AccessDenied, match=r"does not let us read hf:timm/vit_tiny \(Please enable access"):
        store.fetch(NAME)


@pytest.mark.parametrize("ending", ["/api/models/timm/vit_tiny/revision/main", "model.safetensors"])
def test_a_repository_that_the_hub_closed_is_said(hub, store, ending):
    hub.refusals = [(ending, 403, {"X-Error-Message": "Access to this resource is disabled."})]

    with pytest.raises(AccessDenied, match=r"The hub has closed hf:timm/vit_tiny to everybody"):
        store.fetch(NAME)


def test_a_token_that_cannot_be_one_is_said_and_not_shown(hub, store, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_Secret\u2019s")

    with pytest.raises(AccessDenied, match=r"has a character that no token has") as caught:
        store.fetch(NAME)
    assert "Secret" not in str(caught.value)
    assert hub.log == []


def test_weights_in_a_folder_alone_say_what_to_do(hub, store):
    hub.put(REPO, {"onnx/model.onnx": b"x", "sub/model.safetensors": b"x"})

    with pytest.raises(
        ObjectMissing, match=r"no weights at its root, .* but sub/model.safetensors in a folder. Download"
    ):
        store.fetch(NAME)


def test_the_token_goes_to_both_names_of_the_public_hub_and_no_further(monkeypatch, hasty):
    monkeypatch.setenv("HF_TOKEN", "hf_word")
    file = HubFile(NAME, "https://huggingface.co/timm/vit_tiny/resolve/0/model.safetensors", "hub")
    source = HubSource(file, patience=hasty)

    assert source._secrets("https://hf.co/timm/vit_tiny/x") == {"Authorization": "Bearer hf_word"}
    for elsewhere in ("http://hf.co/x", "https://cdn-lfs.hf.co/x", "https://hf.co.example/x"):
        assert source._secrets(elsewhere) == {}


def test_where_no_token_is_sent_a_private_repository_says_so(hub, start_python, answer_of):
    hub.put(REPO, FILES, private=True)
    program = (
        "import json, os; from vit_core.settings import Settings; from vit_core.store.store import Store\n"
        f"try: Store(Settings.from_environment(os.environ)).fetch({NAME!r})\n"
        "except Exception as error: print(json.dumps(str(error)))\n"
    )
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}

    assert "this program sends no token" in answer_of(start_python(program, **environment))
    assert {asked.authorization for asked in hub.log} == {None}
