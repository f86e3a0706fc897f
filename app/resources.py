"""What all visitors share, made once: settings, catalogues, files, the prediction service. The only caches of the app.

What is given here is never changed by a page. Things of one visitor (pictures, answers, an own table) live in the
session and are given here too, so that pages ask one place.
"""

import os
from pathlib import Path
from typing import cast

import pandas as pd
import streamlit as st

from app.answers import AnswerBook
from app.derived import with_other_releases
from app.own_checkpoints import OwnCheckpoints
from app.own_table import OwnTable
from app.pictures import PictureBox
from app.refresh import LiveCatalogue
from app.run_keeper import RunKeeper
from app.samples import Sample, read_samples
from app.training_data import TrainingData
from app.training_register import Intakes
from app.training_spool import sweep_abandoned
from vit_core.catalog.index import Catalogue, load_demo
from vit_core.checkpoints.needs import Room, room_here
from vit_core.datasets import thumbnails
from vit_core.datasets.dataset import DataSet
from vit_core.inference.service import PredictionService
from vit_core.runs.device_share import DeviceShare
from vit_core.runs.leftovers import DATA
from vit_core.runs.library import Runs
from vit_core.runs.record import RunRecord
from vit_core.settings import Settings, bundled_data_dir
from vit_core.store.downloads import Downloads
from vit_core.store.store import Store
from vit_core.training.metrics_file import Row
from vit_core.training.report import Report


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Give the operator's settings, read once from the environment."""
    return Settings.from_environment(os.environ)


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """Give the local copies of checkpoints."""
    return Store(settings())


@st.cache_resource(show_spinner=False)
def own_checkpoints() -> OwnCheckpoints:
    """Give the checkpoint files that visitors brought."""
    return OwnCheckpoints(settings().cache_dir / "own")


@st.cache_resource(show_spinner=False)
def downloads() -> Downloads:
    """Give the downloads under way, shared: two visitors who want one file wait for one download."""
    return Downloads(store())


@st.cache_resource(show_spinner=False, on_release=lambda service: service.close())
def service() -> PredictionService:
    """Give the way to the process that owns the accelerator; that process starts with the first picture."""
    return PredictionService(settings())


@st.cache_resource(show_spinner=False, ttl=10.0)
def room() -> Room:
    """Give the memory that a model may take here: of the predictor's accelerator where it holds one, else of the CPU.

    Counted anew every ten seconds at most, lest what passes change from click to click.
    """
    status = service().status()
    if status.memory_bytes is None or status.device is None:
        return room_here()
    return Room(status.memory_bytes, device=status.device, on_cpu=False)


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """Give the fine-tuning runs of this machine."""
    return Runs(settings())


@st.cache_resource(show_spinner=False, ttl=1.0)
def all_runs() -> tuple[RunRecord, ...]:
    """Give all runs, newest first, as they stood at most a second ago."""
    return runs().all()


@st.cache_resource(show_spinner=False, ttl=1.0, max_entries=16)
def run_metrics(name: str) -> tuple[Row, ...]:
    """Give the curve of a run, as it stood at most a second ago."""
    return runs().metrics(name)


@st.cache_resource(show_spinner=False, max_entries=8)
def run_report(name: str, created: float) -> Report | None:
    """Give the report of a finished run; when it was made tells it from a later run of the same name."""
    return runs().report(name)


@st.cache_resource(show_spinner=False, max_entries=4)
def run_dataset(name: str, created: float) -> DataSet:
    """Give what a run learned from."""
    return runs().dataset(name)


@st.cache_resource(show_spinner=False, max_entries=4000)
def thumbnail(path: Path) -> bytes:
    """Give a small JPEG of a training picture."""
    return thumbnails.thumbnail(path, side=144)


@st.cache_resource(show_spinner=False, on_release=lambda share: share.close())
def device_share() -> DeviceShare:
    """Give what lends the predictor's device to a run that wants it; it works from the first call on."""
    share = DeviceShare(service(), runs())
    share.start()
    return share


@st.cache_resource(show_spinner=False, on_release=lambda keeper: keeper.close())
def run_keeper() -> RunKeeper:
    """Give what clears away after runs that were killed; it works from the first call on."""
    keeper = RunKeeper(runs())
    keeper.start()
    return keeper


@st.cache_resource(show_spinner=False)
def training_data() -> TrainingData:
    """Give the pictures that visitors brought to fine-tune on, without what earlier servers left half done."""
    data = TrainingData(settings().runs_dir / DATA)
    sweep_abandoned(data.parent)
    return data


@st.cache_resource(show_spinner=False)
def intakes() -> Intakes:
    """Give the pictures that are on their way in, of all visitors."""
    return Intakes()


@st.cache_resource(show_spinner=False, ttl=1.0)
def runs_by_images() -> dict[Path, tuple[str, ...]]:
    """Give the names of the runs that learn from each folder of images, as they stood at most a second ago."""
    names: dict[Path, list[str]] = {}
    for name, root in runs().image_roots().items():
        names.setdefault(root, []).append(name)
    return {root: tuple(sorted(each)) for root, each in names.items()}


@st.cache_resource(show_spinner=False)
def live_catalogue() -> LiveCatalogue:
    """Give the main catalogue; the bucket is asked in the background, the first time this is called."""
    live = LiveCatalogue(settings())
    live.ask()
    return live


@st.cache_resource(show_spinner=False)
def demo_catalogue() -> Catalogue:
    """Give the catalogue of the small models that come with the app."""
    return load_demo()


@st.cache_resource(show_spinner=False)
def samples() -> tuple[Sample, ...]:
    """Give the sample pictures that come with the app."""
    return read_samples(bundled_data_dir() / "demo" / "samples")


def catalogue(key: str) -> Catalogue:
    """Give the table behind `key`: "augreg" and the other releases, "demo", or "yours", the table of this visitor.

    "yours" without an own table (a link from somebody else, a server started anew) is the main one.
    """
    if key == "demo":
        return demo_catalogue()
    own = own_table().current if key == "yours" else None
    return own or with_other_releases(live_catalogue().current)


def tables(key: str) -> tuple[pd.DataFrame, ...]:
    """Give all tables that a checkpoint may be looked for in, each once: the open one, the main one, the demo's."""
    frames = (catalogue(key).frame, catalogue("augreg").frame, demo_catalogue().frame)
    return tuple({id(frame): frame for frame in frames}.values())


def checkpoint_path(name: str) -> Path | None:
    """Give the file of a checkpoint if it is on this machine: a visitor's, a finished run's, or one of the store."""
    return own_checkpoints().path(name) or store().local_path(name)


def own_table() -> OwnTable:
    """Give the place of the table that this visitor uploaded or named."""
    return cast("OwnTable", st.session_state.setdefault("own table", OwnTable()))


def pictures() -> PictureBox:
    """Give the pictures of this visitor."""
    if "pictures" not in st.session_state:
        st.session_state["pictures"] = PictureBox(max_picture_bytes=settings().max_upload_mb * 1000**2)
    return cast("PictureBox", st.session_state["pictures"])


def answers() -> AnswerBook:
    """Give the answers of this visitor; the ticket under way is dropped as soon as the visitor's connection closes."""
    book = cast("AnswerBook", st.session_state.setdefault("answers", AnswerBook()))
    _cancel_when_gone(book)
    return book


@st.cache_resource(show_spinner=False, scope="session", on_release=AnswerBook.cancel)
def _cancel_when_gone(_book: AnswerBook) -> AnswerBook:
    return _book
