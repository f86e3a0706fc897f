"""One update of the weights, on one device or several, whole or in parts; and answers between updates.

Knows how a batch becomes a gradient. Knows nothing of files, of the order of images or of when to stop.
"""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Float32, Int, Key, Num, PyTree, UInt8

from vit_core.errors import BadSetting
from vit_core.models.build import GraphDef, Noise, Params, build, forward
from vit_core.models.compiling import training_options
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.optim import learning_rate, make_optimizer
from vit_core.training.trainable import join, partition

_AXIS = "data"


@runtime_checkable
class TrainBatch(Protocol):
    """What a step takes; `vit_core.datasets.batches.Batch` is one."""

    @property
    def images(self) -> np.ndarray:
        """uint8 [B, res, res, 3] pixels; or float32 [B, D], the head's inputs, where the head alone is trained."""

    @property
    def targets(self) -> np.ndarray:
        """float32 [B, K], each row a distribution over the classes."""

    @property
    def weights(self) -> np.ndarray:
        """float32 [B], what each image counts; 0 is padding."""


class TrainState(NamedTuple):
    """All that changes from step to step, and the weights that do not; arrays on the devices.

    Attributes:
        step: int32, updates done.
        trained: the parameters that are learnt.
        frozen: the others.
        opt_state: what the optimizer remembers of `trained`.
        ema: running average of `trained`, or None.
    """

    step: Array
    trained: Params
    frozen: Params
    opt_state: PyTree
    ema: Params | None


class StepMetrics(NamedTuple):
    """What one step tells; scalars on the device, so that asking for a step waits for nothing.

    Attributes:
        loss: mean cross-entropy in nats, weighted and smoothed as trained; of the weights before the update.
        accuracy: share of the images whose likeliest class is that of the target.
        grad_norm: length of the gradient before it is clipped. Not finite when the run has diverged.
        learning_rate: of this update.
    """

    loss: Array
    accuracy: Array
    grad_norm: Array
    learning_rate: Array


_Moving = tuple[Array, Params, PyTree, Params | None]  # the parts of a state that a step replaces
_Sums = tuple[tuple[Array, Array], Params]  # over images: the loss and the hits, and the gradient of the loss


class Trainer:
    """Makes updates of one model on one batch size; compiles once.

    Attributes:
        devices: those that are used: as many of the given ones as divide a part of the batch evenly.
        accum_steps: parts that a batch is computed in.
        dtype: what matrix products are computed in: "float32" on CPUs, "bfloat16" elsewhere.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: ModelConfig,
        *,
        devices: Sequence[jax.Device],
        accum_steps: int,
        num_classes: int,
    ) -> None:
        """Prepare; nothing is compiled yet.

        Args:
            config: the settings; `accum_steps` is taken from the argument of that name.
            model: the architecture with its new head.
            devices: of one kind.
            accum_steps: parts of equal size that a batch is computed in.
            num_classes: outputs K of the head, as in `model`.

        Raises:
            BadSetting: the batch does not divide into the parts.
        """
        assert model.num_classes == num_classes  # noqa: S101 - both come from the same data set
        if config.batch % accum_steps:
            raise BadSetting(
                f"batch is {config.batch}, which does not divide into accum_steps = {accum_steps} parts; take "
                "a divisor."
            )
        self.accum_steps = accum_steps
        self.devices = tuple(devices[: _dividing(config.batch // accum_steps, len(devices))])
        self.dtype = compute_dtype(self.devices[0].platform)
        self._config, self._model = config, model
        self._graphdef, _ = build(model, dtype=self.dtype)
        self._optimizer = make_optimizer(config, momentum_dtype=self.dtype)
        mesh = Mesh(np.asarray(self.devices), (_AXIS,))
        self._everywhere = _spread(mesh)
        self._by_image = _spread(mesh, _AXIS)
        self._by_part = _spread(mesh, None, _AXIS)
        add_up, update = _make_gradient(config, self._graphdef), _make_update(config, self._optimizer)
        options = training_options(model, self.devices[0].platform)
        place = functools.partial(jax.jit, out_shardings=self._everywhere, compiler_options=options)
        self._whole = place(lambda moving, *rest: update(moving, [add_up(moving, *rest)]), donate_argnums=0)
        self._half, self._update = place(add_up), place(update, donate_argnums=0)
        self._second = ThreadPoolExecutor(1, thread_name_prefix="half") if self._is_halved() else None
        self._copy = jax.jit(functools.partial(jax.tree.map, jnp.copy), out_shardings=self._everywhere)
        self._answer = jax.jit(functools.partial(_answer, self._graphdef))
        self._has_run = False

    def init(self, params: Params) -> TrainState:
        """Give the state before the first step.

        Args:
            params: float32 arrays in the shape of `build`'s parameters; they are copied where a step changes them.

        Raises:
            BadSetting: `trainable` names more blocks than there are.
        """
        trained, frozen = partition(params, self._config.trainable, self._model.num_layers)
        trained = self._copy(self.place(trained))
        opt_state = jax.jit(self._optimizer.init, out_shardings=self._everywhere)(trained)
        ema = self._copy(trained) if self._config.ema_decay else None
        step = jax.device_put(np.zeros((), np.int32), self._everywhere)
        return TrainState(step, trained, self.place(frozen), opt_state, ema)

    def step(self, state: TrainState, batch: TrainBatch) -> tuple[TrainState, StepMetrics]:
        """Update the weights once.

        The arrays of `state` are used up, with one exception: the first step of a trainer waits for its result and
        leaves them whole, so that it can be tried again with more parts when memory does not suffice. It also takes
        a state of another trainer of the same settings.

        Args:
            state: from `init`, the last step, or `SavedStates.restore`.
            batch: of the batch size in the settings.

        Returns:
            The next state, and what this step tells; both still being computed.
        """
        moving: _Moving = (state.step, state.trained, state.opt_state, state.ema)
        if not self._has_run:
            state = state._replace(frozen=self.place(state.frozen))
            moving = self._copy(self.place(moving))
        count = np.int32(max((batch.weights > 0).sum(), 1))
        if self._second is None:
            inputs = jax.device_put(self._parts(batch), self._by_part)  # each part is spread over all devices
            moved, metrics = self._whole(moving, state.frozen, inputs, count)
        else:
            moved, metrics = self._update(moving, self._by_halves(moving, state.frozen, batch, count))
        step, trained, opt_state, ema = moved
        if not self._has_run:
            for leaf in jax.tree.leaves((trained, metrics)):
                leaf.block_until_ready()
            self._has_run = True
        return TrainState(step, trained, state.frozen, opt_state, ema), metrics

    def predict(
        self,
        weights: TrainState | Params,
        images: UInt8[np.ndarray, "B res res 3"] | Float32[np.ndarray, "B D"],
    ) -> Float32[np.ndarray, "B K"]:
        """Give logits, without any noise; of the averaged weights where a state has them.

        Args:
            weights: a state, or parameters; use `place` first where they come from the host and are used often.
            images: pixels, or features as the head takes them.
        """
        return self._run(weights, images)[0]

    def features(
        self, weights: TrainState | Params, images: UInt8[np.ndarray, "B res res 3"]
    ) -> Float32[np.ndarray, "B D"]:
        """Give what the head reads of each image."""
        return self._run(weights, images)[1]

    def params(self, state: TrainState, *, averaged: bool) -> Params:
        """Give all parameters as float32 numpy arrays of their own.

        Args:
            state: of any trainer.
            averaged: take the running average where the state has one.
        """
        trained = state.ema if averaged and state.ema is not None else state.trained
        whole: Params = jax.tree.map(np.array, join(trained, state.frozen))
        return whole

    def place(self, tree: Any) -> Any:  # noqa: ANN401 - any tree of arrays, the same out as in
        """Put arrays on all devices of this trainer."""
        return jax.device_put(tree, self._everywhere)

    def _is_halved(self) -> bool:
        """Tell whether the halves of each part are computed side by side.

        XLA leaves cores idle between the steps of a program, which another one then has: a tenth of the time at Ti/16
        and a batch of 32 on two cores. The activations in memory at a time stay those of one part; there is a second
        gradient. Why so: docs/adr/0010.
        """
        part = self._config.batch // self.accum_steps
        alone_on_cpu = len(self.devices) == 1 and self.devices[0].platform == "cpu"
        return alone_on_cpu and part % 2 == 0 and self._config.trainable != "head"

    def _by_halves(self, moving: _Moving, frozen: Params, batch: TrainBatch, count: np.int32) -> list[_Sums]:
        """Add up the gradients over the first half of each part, and beside it, in another thread, over the second."""
        assert self._second is not None  # noqa: S101 - asked for only where there is one
        parts = self._parts(batch)
        middle = parts[0].shape[1] // 2
        first, second = (
            jax.device_put(tuple(array[:, half] for array in parts), self._by_part)
            for half in (slice(middle), slice(middle, None))
        )
        if not self._has_run:  # both at once would compile it twice; the first step has to need what later ones do
            for leaf in jax.tree.leaves(self._half(moving, frozen, first, count)):
                leaf.block_until_ready()
        beside = self._second.submit(self._half, moving, frozen, second, count)
        try:
            here = self._half(moving, frozen, first, count)
        finally:
            wait([beside])  # nothing of this step is asked for after it
        return [here, beside.result()]

    def _parts(self, batch: TrainBatch) -> tuple[np.ndarray, ...]:
        """Give images, targets, weights and the images' numbers in parts [accum_steps, B / accum_steps, …]."""
        arrays = (batch.images, batch.targets, batch.weights, np.arange(self._config.batch, dtype=np.int32))
        assert {len(array) for array in arrays} == {self._config.batch}  # noqa: S101 - as the pipeline was told
        return tuple(array.reshape(self.accum_steps, -1, *array.shape[1:]) for array in arrays)

    def _run(self, weights: TrainState | Params, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        params = weights
        if isinstance(weights, TrainState):
            params = join(weights.trained if weights.ema is None else weights.ema, weights.frozen)
        missing = -len(images) % len(self.devices)
        padded = np.concatenate([images, np.zeros_like(images, shape=(missing, *images.shape[1:]))])
        logits, features = self._answer(self.place(params), jax.device_put(padded, self._by_image))
        return np.asarray(logits)[: len(images)], np.asarray(features)[: len(images)]


def compute_dtype(platform: str) -> str:
    """Give what products are computed in, and momentum is kept in: bfloat16 halves both, but CPUs are slow at it."""
    return "float32" if platform == "cpu" else "bfloat16"


def _spread(mesh: Mesh, *axes: str | None) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]  # JAX has no types for it


def _dividing(part: int, num_devices: int) -> int:
    """Give the largest number of devices that divides a part of a batch evenly."""
    return max(count for count in range(1, num_devices + 1) if part % count == 0)


def _answer(
    graphdef: GraphDef,
    params: PyTree,
    images: Num[Array, "B *shape"],
    noise: Noise | None = None,
    *,
    remat: bool = False,
) -> tuple[Float[Array, "B K"], Float[Array, "B D"]]:
    """Give logits and features, of pixels or of features that were computed before."""
    if images.ndim == 2:
        return images @ params["head"]["kernel"] + params["head"]["bias"], images
    scaled = (images.astype(jnp.float32) - 127.5) / 127.5  # as vit_core.preprocess.normalise
    output = forward(graphdef, params, scaled, noise=noise, remat=remat)
    return output.logits, output.features


def _make_gradient(config: TrainConfig, graphdef: GraphDef) -> Callable[..., _Sums]:
    is_noisy = config.dropout > 0 or config.stochastic_depth > 0

    def loss(trained: Params, frozen: Params, part: tuple[Array, ...], count: Array) -> tuple[Array, Array]:
        """Give the sums over one part that add up to the means over the batch: the loss, and the hits."""
        images, targets, weights, key = part
        noise = None
        if is_noisy:
            noise = Noise(key=key, dropout=config.dropout, stochastic_depth=config.stochastic_depth)
        logits, _ = _answer(graphdef, join(trained, frozen), images, noise, remat=config.remat)
        return _loss(logits, targets, weights, count, label_smoothing=config.label_smoothing)

    gradient = jax.value_and_grad(loss, has_aux=True)

    def add_up(moving: _Moving, frozen: Params, inputs: tuple[Array, ...], count: Array) -> _Sums:
        """Add up over parts [A, b, …], one after the other."""
        step, trained, *_ = moving
        *arrays, numbers = inputs
        parts = (*arrays, _image_keys(config.seed, step, numbers))

        def add(total: PyTree, part: tuple[Array, ...]) -> tuple[PyTree, None]:
            return jax.tree.map(jnp.add, total, gradient(trained, frozen, part, count)), None

        first = jax.tree.map(lambda array: array[0], parts)
        if len(numbers) == 1:
            sums: _Sums = gradient(trained, frozen, first, count)
        else:
            shapes = jax.eval_shape(gradient, trained, frozen, first, count)
            zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
            sums, _ = jax.lax.scan(add, zeros, parts)
        return sums

    return add_up


def _make_update(
    config: TrainConfig, optimizer: optax.GradientTransformation
) -> Callable[[_Moving, Sequence[_Sums]], tuple[_Moving, StepMetrics]]:
    schedule = learning_rate(config)

    def update(moving: _Moving, sums: Sequence[_Sums]) -> tuple[_Moving, StepMetrics]:
        step, trained, opt_state, ema = moving
        (mean_loss, accuracy), grads = functools.reduce(functools.partial(jax.tree.map, jnp.add), sums)
        metrics = StepMetrics(mean_loss, accuracy, optax.tree.norm(grads), schedule(step))
        updates, opt_state = optimizer.update(grads, opt_state, trained)
        trained = optax.apply_updates(trained, updates)
        if ema is not None:
            ema = _average(ema, trained, step, config.ema_decay)
        return (step + 1, trained, opt_state, ema), metrics

    return update


def _loss(
    logits: Float[Array, "B K"],
    targets: Float[Array, "B K"],
    weights: Float[Array, "B"],
    count: Int[Array, ""],
    *,
    label_smoothing: float,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Sum the weighted cross-entropies and the hits over images, divided by the images of the whole batch.

    Dividing by their number and not by the sum of their weights keeps each image's weight the same in every batch.
    """
    smoothed = targets * (1 - label_smoothing) + label_smoothing / targets.shape[-1]
    losses = -(smoothed * jax.nn.log_softmax(logits)).sum(axis=-1)
    hits = (logits.argmax(axis=-1) == targets.argmax(axis=-1)) & (weights > 0)
    return (losses * weights).sum() / count, hits.sum() / count


def _image_keys(seed: int, step: Int[Array, ""], numbers: Int[Array, "A b"]) -> Key[Array, "A b"]:
    """Give each image of a step its own key by its number in the batch, whatever part it is in."""
    key = jax.random.fold_in(jax.random.key(seed), step)
    keys: Array = jax.vmap(jax.vmap(functools.partial(jax.random.fold_in, key)))(numbers)
    return keys


def _average(ema: Params, trained: Params, step: Int[Array, ""], decay: float) -> Params:
    """Move the average towards the new weights; at first faster, or it would remember the start for too long.

    The decay of step t is min(decay, (1 + t) / (10 + t)), as in tf.train.ExponentialMovingAverage.
    """
    now = jnp.minimum(decay, (1 + step) / (10 + step))
    moved: Params = jax.tree.map(lambda old, new: old + (1 - now) * (new - old), ema, trained)
    return moved
