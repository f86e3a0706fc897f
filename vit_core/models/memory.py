"""What a model needs of memory, to classify and to be fine-tuned, by arithmetic on the architecture.

    classify   weights + images + working memory of the largest step
    fine-tune  weights + optimizer + batch + hypot(activations, gradients) + working memory of one block

Weights are float32 always, products and what is kept of them in `dtype`. Activations go while gradients come on the
way back, so the peak lies between the larger of the two and their sum; `hypot` is where XLA's packing comes to lie. The
terms are explained where they are computed.

Held against XLA's own `compile().memory_analysis()` (arguments + temporary buffers) of the programs of
`vit_core.inference.programs` and `vit_core.training.step`, in float32 on its CPU backend, within 15 %:
`tests/core/models/test_memory.py` on small models, docs/cost.md on published ones. Other backends fuse and pad in their
own way. Not part of an analysis is what else must be free: see `Memory.first_update` and `PROCESS_BYTES`. No JAX here.
"""

import dataclasses
import math
from typing import Literal

from vit_core.models.config import ModelConfig, ResNetConfig
from vit_core.models.cost import half, units

Dtype = Literal["float32", "bfloat16"]
Optimizer = Literal["sgd", "adamw"]

PROCESS_BYTES = 600_000_000
"""What Python, JAX and its compiler take beside the arrays; measured with S/16 and B/16 on a CPU."""

_FLOAT32 = 4
_BYTES = {"float32": 4, "bfloat16": 2}
# XLA's CPU backend (JAX 0.10) hands an MLP over more rows than this to a library, together with the four constants of
# its GELU as arrays of the hidden layer's size.
_LIBRARY_ROWS = 4096
_GELU_CONSTANTS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """What a program holds at its peak, in bytes, by what it is for.

    Attributes:
        weights: all parameters.
        inputs: the batch: pixels as uint8, and targets where it learns.
        working: buffers of the step at hand, freed after it.
        activations: what the way there keeps for the way back; 0 where nothing is learned.
        gradients: one for each trained parameter.
        optimizer: momentum, and AdamW's second moment.
        summed: gradients of the parts before, where a batch is computed in several, and of the other half.
    """

    weights: int
    inputs: int
    working: int
    activations: int = 0
    gradients: int = 0
    optimizer: int = 0
    summed: int = 0

    @property
    def total(self) -> int:
        """The sum, in which activations and gradients overlap."""
        passing = round(math.hypot(self.activations, self.gradients))
        return self.weights + self.inputs + self.working + passing + self.optimizer + self.summed

    @property
    def first_update(self) -> int:
        """The total, and the trained weights and the optimizer's memory once more.

        The first update of a run leaves the state that it began with whole, to be repeated in smaller parts where
        memory does not suffice (`Trainer.step`).
        """
        return self.total + self.gradients + self.optimizer


def to_classify(config: ModelConfig, *, batch: int = 1, dtype: Dtype = "float32") -> Memory:
    """Give what a forward pass holds.

    Args:
        config: the architecture at its resolution.
        batch: images at a time.
        dtype: what products are computed in: "float32" on CPUs, "bfloat16" on accelerators.
    """
    constants = _GELU_CONSTANTS if batch * config.num_tokens > _LIBRARY_ROWS and dtype == "float32" else 0
    values = max(_encoder_values(config) + constants * config.num_tokens * config.mlp_dim, _stem_values(config))
    pixels = 3 * config.resolution**2
    kernels = 0 if config.resnet is None else config.resnet.num_params  # all standardised before they are used
    working = (batch * values + kernels) * _BYTES[dtype]
    return Memory(weights=_FLOAT32 * config.num_params, inputs=batch * pixels, working=working)


def to_fine_tune(
    config: ModelConfig,
    *,
    batch: int,
    parts: int = 1,
    dtype: Dtype = "float32",
    optimizer: Optimizer = "sgd",
    trained_blocks: int | None = None,
    remat: bool = False,
    halves: bool = False,
) -> Memory:
    """Give what an update of the weights holds.

    Args:
        config: the architecture with its new head, at its resolution.
        batch: images computed at a time: a whole batch, or one of its parts.
        parts: that a whole batch is computed in.
        dtype: what products are computed in, and momentum is kept in.
        optimizer: "sgd" keeps one value for each trained parameter, "adamw" two.
        trained_blocks: how many of the last blocks are trained, with all that follows; None for everything, 0 for the
            head alone, whose inputs are computed once, by classifying.
        remat: keep of each block the input alone, and compute the rest again.
        halves: compute the halves of `batch` side by side, as a CPU does (`vit_core.training.step`).
    """
    classify = to_classify(config, batch=batch, dtype=dtype)
    trained = _trained_params(config, trained_blocks)
    moments = _BYTES[dtype] + (_FLOAT32 if optimizer == "adamw" else 0)
    kept, again = _activation_values(config, trained_blocks, remat=remat)
    working, inputs = classify.working, classify.inputs + batch * _FLOAT32 * config.num_classes
    if trained_blocks != 0:
        working = batch * _BYTES[dtype] * (_encoder_values(config) + again)
    if config.resnet and trained_blocks is None:
        # Standardised kernels, and what their own way back needs: 2.5 times as much, as XLA has it.
        working += round(2.5 * _FLOAT32 * config.resnet.num_params)
    return dataclasses.replace(
        classify,
        inputs=parts * inputs,
        working=working,
        activations=batch * _BYTES[dtype] * kept,
        gradients=_FLOAT32 * trained,
        optimizer=moments * trained,
        summed=_FLOAT32 * trained * ((2 if halves else 1) * (2 if parts > 1 else 1) - 1),
    )


def _encoder_values(config: ModelConfig) -> int:
    """Count the values of the largest step of a block, of one image.

    The MLP holds its input, its hidden layer before and after the GELU; attention query, key, value, tokens and the
    scores; a Mixer's MLP over places the tokens twice and its hidden layer twice.
    """
    D, N, M, T = config.hidden_size, config.num_tokens, config.mlp_dim, config.tokens_mlp_dim
    mixing = 4 * N * D + config.num_heads * N**2 if T is None else 2 * N * D + 2 * T * D
    return max(N * (D + 2 * M), mixing)


def _stem_values(config: ModelConfig) -> int:
    """Count the values held before the blocks: scaled pixels and patches, or the widest maps of a ResNet."""
    if config.resnet is None:
        return 2 * 3 * config.resolution**2
    root = config.resnet.width * half(config.resolution) ** 2
    # Shortcut, narrow maps and sum of a unit of the first stage are four of its outputs, each as large as the root's.
    return 4 * root if config.resnet.num_blocks else root + root // 4


def _trained_params(config: ModelConfig, trained_blocks: int | None) -> int:
    if trained_blocks is None:
        return config.num_params
    head = (config.num_features + 1) * config.num_classes
    if trained_blocks == 0:
        return head
    without_blocks = dataclasses.replace(config, num_layers=0)
    before = dataclasses.replace(without_blocks, num_classes=0, representation_size=None)
    block = dataclasses.replace(config, num_layers=1).num_params - without_blocks.num_params
    final_norm = 2 * config.hidden_size
    return trained_blocks * block + final_norm + without_blocks.num_params - before.num_params


def _activation_values(config: ModelConfig, trained_blocks: int | None, *, remat: bool) -> tuple[int, int]:
    """Count the values that one image keeps for the way back, and those that are computed again, one block at a time.

    A block keeps 14 vectors of width D and 3 of the MLP's width for each token, and one map for each head, with
    LayerScale what each branch was before it; a Mixer's 7 vectors of width D and 3 hidden layers of each of its MLPs.
    """
    D, N, M, T = config.hidden_size, config.num_tokens, config.mlp_dim, config.tokens_mlp_dim
    mixing = 14 * N * D + config.num_heads * N**2 if T is None else 7 * N * D + 3 * T * D
    scaled = 2 * N * D if config.layer_scale else 0
    block = mixing + scaled + 3 * N * M
    blocks = config.num_layers if trained_blocks is None else trained_blocks
    stem = _resnet_activations(config.resnet, config.resolution) if config.resnet and trained_blocks is None else 0
    if remat and blocks:
        return blocks * 2 * N * D + stem, block
    return blocks * block + stem, 0


def _resnet_activations(resnet: ResNetConfig, resolution: int) -> int:
    """Count the maps that convolutions, GroupNorm, ReLU and pooling keep: 9 of the root's, 3 of each in a unit."""
    root = resnet.width * half(resolution) ** 2
    return 9 * root + sum(3 * (1 + 1 + 4) * unit.features * unit.out_side**2 for unit in units(resnet, resolution))
