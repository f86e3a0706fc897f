"""Pre-training and fine-tuning of the demo's models: the published recipe at a scale of minutes.

Pre-training: Adam, decoupled weight decay of the kernels, warm-up and cosine, clipping at 1, softmax cross-entropy.
Fine-tuning: a new head of zeros, SGD with momentum 0.9, warm-up and cosine, clipping at 1, no weight decay
(arXiv 2106.10270, section 3). Knows nothing of files and of what is done with the result.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from augment import mixup, rand_augment, random_crops, random_mirrors
from picture_sets import PictureSet

from vit_core.models.build import GraphDef, Params, build, forward
from vit_core.models.config import ModelConfig
from vit_core.preprocess import decode_image, to_model_input

BATCH = 64
LEAST_AREA = 0.8  # of a picture that a random crop keeps; a letter cut in half is another letter


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained.

    Attributes:
        steps: batches of `BATCH` pictures.
        warmup_steps: of these, the ones in which the learning rate rises from 0.
        learning_rate: the highest.
        optimizer: "adam" for pre-training, "sgd" for fine-tuning.
        weight_decay: of kernels, multiplied by the learning rate; for "adam" only.
        aug: "none", or "light1": RandAugment with 2 operations at magnitude 10, and Mixup 0.2.
        mirror: whether pictures are swapped left to right at random; not where the side matters, as in writing.
        seed: of the order, the crops and the augmentation.
    """

    steps: int
    warmup_steps: int
    learning_rate: float
    optimizer: Literal["adam", "sgd"]
    weight_decay: float = 0.0
    aug: Literal["none", "light1"] = "none"
    mirror: bool = False
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A split, decoded.

    Attributes:
        images: uint8 [n, H, W, 3].
        labels: int64 [n].
    """

    images: np.ndarray
    labels: np.ndarray


def decode(pictures: PictureSet, *, resolution: int | None = None) -> Pictures:
    """Decode a split as the product does, and bring it to a model's input size if one is given."""
    images = [decode_image(file) for file in pictures.files]
    if resolution is not None:
        images = [to_model_input(image, resolution) for image in images]
    return Pictures(np.stack(images), pictures.labels)


def train(
    config: ModelConfig,
    params: Params,
    recipe: Recipe,
    pictures: Pictures,
    *,
    evaluate: Callable[[Params], float],
    evaluations: int = 4,
) -> tuple[Params, list[float]]:
    """Train a model.

    Args:
        config: its architecture.
        params: where it starts.
        recipe: how.
        pictures: what on, as large as they come: crops are cut from them.
        evaluate: from parameters to accuracy.
        evaluations: how often that is asked for, the last time after the last step.

    Returns:
        The parameters after the last step as numpy arrays, and the accuracies.
    """
    optimizer = make_optimizer(recipe)
    step = _make_step(build(config)[0], optimizer)
    params = jax.tree.map(jnp.array, params)  # a copy: each step takes over the memory of its arguments
    state = optimizer.init(params)
    pause = -(-recipe.steps // evaluations)
    accuracies = []
    for number, (images, targets) in enumerate(_batches(config, recipe, pictures), start=1):
        params, state = step(params, state, images, targets)
        if number % pause == 0 or number == recipe.steps:
            accuracies.append(evaluate(params))
    return jax.tree.map(np.asarray, params), accuracies


def make_optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """Give the optimizer of a recipe."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, recipe.warmup_steps, recipe.steps)
    if recipe.optimizer == "sgd":
        return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(schedule, momentum=0.9))
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.9, b2=0.999),
        optax.add_decayed_weights(recipe.weight_decay, mask=_is_kernel),
        optax.scale_by_learning_rate(schedule),
    )


def with_new_head(config: ModelConfig, params: Params, num_classes: int) -> tuple[ModelConfig, Params]:
    """Put a head of zeros in the place of the pre-trained one."""
    kernel = np.zeros((config.num_features, num_classes), np.float32)
    head = {"kernel": kernel, "bias": np.zeros(num_classes, np.float32)}
    return dataclasses.replace(config, num_classes=num_classes), {**params, "head": head}


def accuracy(config: ModelConfig, params: Params, pictures: Pictures) -> float:
    """Give the share of pictures, already of the model's input size, whose class comes out first."""
    graphdef = build(config)[0]
    starts = range(0, len(pictures.images), BATCH)
    answers = [np.asarray(_classify(graphdef, params, pictures.images[start : start + BATCH])) for start in starts]
    return float((np.concatenate(answers) == pictures.labels).mean())


def _batches(config: ModelConfig, recipe: Recipe, pictures: Pictures) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give uint8 [B, res, res, 3] and targets [B, K], each picture once before any comes again."""
    rng = np.random.default_rng(recipe.seed)
    one_hot = np.eye(config.num_classes, dtype=np.float32)
    order = np.empty(0, np.int64)
    for _ in range(recipe.steps):
        if len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(pictures.images))])
        chosen, order = order[:BATCH], order[BATCH:]
        images = random_crops(rng, pictures.images[chosen], config.resolution, least_area=LEAST_AREA)
        targets = one_hot[pictures.labels[chosen]]
        if recipe.mirror:
            images = random_mirrors(rng, images)
        if recipe.aug == "light1":
            images = np.stack([rand_augment(rng, image, layers=2, magnitude=10) for image in images])
            images, targets = mixup(rng, images, targets, alpha=0.2)
        yield images, targets


def _make_step(graphdef: GraphDef, optimizer: optax.GradientTransformation) -> Callable:
    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(
        params: Params, state: optax.OptState, images: jax.Array, targets: jax.Array
    ) -> tuple[Params, optax.OptState]:
        def loss(params: Params) -> jax.Array:
            logits = forward(graphdef, params, _normalise(images)).logits
            return optax.softmax_cross_entropy(logits, targets).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    return step


@functools.partial(jax.jit, static_argnums=0)
def _classify(graphdef: GraphDef, params: Params, images: jax.Array) -> jax.Array:
    return forward(graphdef, params, _normalise(images)).logits.argmax(axis=-1)


def _normalise(images: jax.Array) -> jax.Array:
    return (images.astype(jnp.float32) - 127.5) / 127.5  # as vit_core.preprocess.normalise


def _is_kernel(params: Params) -> Params:
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)
