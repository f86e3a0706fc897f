"""States on disk: exact, all or nothing, the best and the last kept, damage skipped and said."""

import logging
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.errors import BadCheckpoint, BadRun


@pytest.fixture
def start(make_trainer, random_params):
    """Give a fresh state of settings."""
    return lambda **settings: make_trainer(**settings).init(random_params)


@pytest.fixture
def trained(make_trainer, make_batch, start):
    """Give a state after so many steps, as a list of states at each of them is used up."""

    def train(count, **settings):
        state = start(**settings)
        for seed in range(count):
            state, _ = make_trainer(**settings).step(state, make_batch(seed))
        return state

    return train


def marked(state, value):
    """Give a state of that step, every value of which is the step."""
    filled = jax.tree.map(lambda leaf: jnp.full_like(leaf, value), state)
    return filled._replace(frozen=state.frozen)


def equal(first, second):
    same = jax.tree.map(lambda a, b: a.dtype == b.dtype and np.array_equal(np.asarray(a), np.asarray(b)), first, second)
    return jax.tree.all(same)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def damage(path):
    """Change one bit in the middle of the largest array of weights."""
    with zipfile.ZipFile(path) as archive:
        weights = [member for member in archive.infolist() if member.filename.startswith("trained/")]
    largest = max(weights, key=lambda member: member.file_size)
    data = bytearray(path.read_bytes())
    data[largest.header_offset + largest.file_size // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "settings", [{}, {"ema_decay": 0.15}, {"trainable": "last-1"}], ids=["plain", "averaged", "partly frozen"]
)
def test_state_comes_back_to_the_bit(open_states, start, trained, settings):
    state = trained(2, **settings)
    states = open_states()
    states.save(2, state, accuracy=0.5)
    states.wait()

    restored, step = open_states().restore(start(**settings))

    assert step == int(restored.step) == 2
    assert equal(restored, state)


def test_momentum_in_bfloat16_comes_back_to_the_bit(open_states, start):
    state = start()
    rough = state._replace(opt_state=jax.tree.map(lambda leaf: (leaf + 1.7).astype(jnp.bfloat16), state.opt_state))
    states = open_states()
    states.save(1, rough, accuracy=None)

    restored, _ = states.restore(rough)

    assert equal(restored, rough)


def test_training_goes_on_from_a_restored_state_as_if_nothing_had_happened(
    open_states, make_trainer, make_batch, start, trained
):
    trainer, state = make_trainer(ema_decay=0.15), trained(2, ema_decay=0.15)
    states = open_states()
    states.save(2, state, accuracy=None)
    restored, _ = states.restore(start(ema_decay=0.15))

    undisturbed, _ = trainer.step(state, make_batch(7))
    resumed, _ = trainer.step(restored, make_batch(7))

    assert equal(resumed, undisturbed)


def test_restored_state_runs_the_program_that_is_there(
    open_states, make_trainer, make_batch, start, trained, caplog, recwarn
):
    states = open_states()
    states.save(2, trained(2), accuracy=None)
    restored, _ = states.restore(start())

    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        following, _ = make_trainer().step(restored, make_batch(7))
        make_trainer().step(following, make_batch(8))

    assert [record.message for record in caplog.records if "ompil" in record.message] == []
    assert [str(warning.message) for warning in recwarn] == []


def test_state_is_written_while_its_arrays_are_already_used_up(open_states, make_trainer, make_batch, start, trained):
    states, state = open_states(), trained(2)
    expected = jax.tree.map(lambda leaf: np.array(leaf), state)

    states.save(2, state, accuracy=None)
    make_trainer().step(state, make_batch(7))

    assert equal(states.restore(start())[0], expected)


def test_nothing_saved_gives_nothing(open_states, start):
    states = open_states()

    assert states.restore(start()) is None
    assert states.best_step is None


def test_best_and_last_are_kept(open_states, folder, start):
    states = open_states()
    for step, accuracy in ((10, 0.5), (20, 0.8), (30, 0.7), (40, None), (50, 0.6)):
        states.save(step, marked(start(), step), accuracy=accuracy)
    states.wait()

    assert names(folder) == ["20", "50"]
    assert states.best_step == 20


def test_of_equal_accuracies_the_first_is_the_best(open_states, start):
    states = open_states()
    for step in (10, 20):
        states.save(step, start(), accuracy=0.5)

    assert states.best_step == 10


def test_best_is_known_to_a_later_process_too(open_states, start):
    states = open_states()
    for step, accuracy in ((10, 0.5), (20, 0.25)):
        states.save(step, start(), accuracy=accuracy)
    states.wait()

    assert open_states().best_step == 10


def test_state_that_is_saved_again_stays_and_learns_its_accuracy(open_states, start):
    states = open_states()
    states.save(10, marked(start(), 10), accuracy=None)
    states.save(10, marked(start(), 10), accuracy=0.5)
    states.save(10, marked(start(), 10), accuracy=None)
    states.wait()

    later = open_states()
    assert later.best_step == 10
    assert later.restore(start())[1] == 10


@pytest.mark.parametrize(("settings", "part"), [({}, "trained"), ({"ema_decay": 0.15}, "ema")])
def test_parameters_of_the_best_state_are_averaged_where_the_run_averages(
    open_states, make_trainer, start, trained, settings, part
):
    state = trained(2, **settings)
    expected = make_trainer(**settings).params(state, averaged=True)
    states = open_states()
    states.save(2, state, accuracy=0.5)

    params = states.restore_params(states.best_step, start(**settings))

    assert equal(params, expected)
    assert equal(params, getattr(state, part))


def test_parameters_include_the_frozen_ones(open_states, random_params, start):
    states = open_states()
    states.save(2, marked(start(trainable="head"), 2), accuracy=0.5)

    params = states.restore_params(2, start(trainable="head"))

    assert np.array_equal(params["cls"], random_params["cls"])
    assert (params["head"]["kernel"] == 2).all()


def test_frozen_parameters_are_not_written(open_states, folder, start):
    states = open_states()
    states.save(2, start(trainable="head"), accuracy=None)
    states.wait()

    with np.load(folder / "2" / "state.npz") as arrays:
        assert sorted(name for name in arrays if name.startswith("trained/")) == [
            "trained/head/bias",
            "trained/head/kernel",
        ]


@pytest.mark.parametrize("how", ["a changed bit", "cut off", "empty", "gone"])
def test_damaged_newest_state_is_left_out_and_said(open_states, folder, start, how):
    states = open_states()
    for step, accuracy in ((10, 0.5), (20, None)):
        states.save(step, marked(start(), step), accuracy=accuracy)
    states.wait()
    path = folder / "20" / "state.npz"
    if how == "a changed bit":
        damage(path)
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 1000 if how == "cut off" else 0])

    later = open_states()
    restored, step = later.restore(start())

    assert step == 10
    assert equal(restored.trained, marked(start(), 10).trained)
    [note] = later.notes
    assert note.startswith("The state of step 20 is damaged and is left out.")


def test_damaged_state_makes_room_for_a_new_one_of_its_step(open_states, folder, start):
    states = open_states()
    states.save(20, marked(start(), 1), accuracy=None)
    states.wait()
    damage(folder / "20" / "state.npz")

    later = open_states()
    assert later.restore(start()) is None
    later.save(20, marked(start(), 20), accuracy=None)

    assert equal(later.restore(start())[0].trained, marked(start(), 20).trained)


def test_damaged_state_that_is_asked_for_is_refused(open_states, folder, start):
    states = open_states()
    states.save(20, start(), accuracy=0.5)
    states.wait()
    damage(folder / "20" / "state.npz")

    with pytest.raises(BadCheckpoint, match="is damaged"):
        states.restore_params(20, start())


def test_damaged_note_of_an_accuracy_costs_only_the_accuracy(open_states, folder, start):
    states = open_states()
    states.save(20, start(), accuracy=0.5)
    states.wait()
    (folder / "20" / "about.json").write_text("{")

    later = open_states()

    assert later.best_step is None
    assert later.restore(start())[1] == 20


def test_unfinished_state_is_left_out_said_and_swept_away(open_states, folder, start):
    states = open_states()
    states.save(10, marked(start(), 10), accuracy=None)
    states.wait()
    (folder / "20.orbax-checkpoint-tmp").mkdir()
    (folder / "20.orbax-checkpoint-tmp" / "state.npz").write_bytes(b"PK")
    (folder / "5.deleted-tmp").mkdir()

    later = open_states()
    _, step = later.restore(start())

    assert step == 10
    assert later.notes == ("The state of step 20 was not written to its end and is left out.",)
    assert names(folder) == ["10"]


def test_state_of_other_settings_is_refused_and_kept(open_states, folder, start):
    states = open_states()
    states.save(10, start(), accuracy=None)
    states.wait()

    with pytest.raises(BadRun, match="made with other settings"):
        open_states().restore(start(ema_decay=0.15))

    assert names(folder) == ["10"]
