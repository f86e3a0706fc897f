"""How much memory the activations of one update take, by arithmetic on the architecture. No JAX here."""

from vit_core.models.config import ModelConfig, ResNetConfig

CPU_BUDGET_BYTES = 1_000_000_000


def bytes_per_image(model: ModelConfig, *, bytes_per_value: int = 4, remat: bool = False) -> int:
    """Estimate what one image keeps from the way there for the way back.

    A block keeps about 14 vectors of width D and 3 of the MLP's width for each token, and 3 maps of attention, or in
    an MLP-Mixer 3 hidden layers over the patches; with
    `remat` its input alone, and one block is recomputed at a time. Within a factor of 0.7 to 2 of what XLA says of its
    own programs (`tests/core/training/loop/test_activations.py`).
    """
    tokens = model.num_tokens
    mixing = 3 * model.hidden_size * (model.tokens_mlp_dim or 0) + 3 * model.num_heads * tokens**2
    block = tokens * (14 * model.hidden_size + 3 * model.mlp_dim) + mixing
    kept = tokens * model.hidden_size * model.num_layers + block if remat else block * model.num_layers
    stem = _resnet_values(model.resnet, model.resolution) if model.resnet else 0
    image = 3 * model.resolution**2 * 2
    return bytes_per_value * (kept + stem + image)


def parts_within(model: ModelConfig, *, batch: int, budget_bytes: int, remat: bool = False) -> int:
    """Give in how many equal parts a batch fits a budget; never more parts than images.

    Example:
        >>> from vit_core.models.config import VARIANTS
        >>> parts_within(VARIANTS["Ti/16"], batch=32, budget_bytes=1_000_000_000)
        4
    """
    most = max(1, budget_bytes // bytes_per_image(model, remat=remat))
    return next(parts for parts in range(1, batch + 1) if batch % parts == 0 and (batch // parts <= most))


def parts_on_cpu(model: ModelConfig, *, batch: int, told: int, remat: bool = False) -> int:
    """Give in how many parts a CPU computes a batch: as many as the settings say, or as bound its memory.

    Smaller parts are faster, too, as more of them stays in the caches: at Ti/16 and a batch of 32, two cores make
    17.7 images/s in one part, 19.5 in four of 8 images, 18.8 in eight.
    """
    return max(told, parts_within(model, batch=batch, budget_bytes=CPU_BUDGET_BYTES, remat=remat))


def _resnet_values(resnet: ResNetConfig, resolution: int) -> int:
    """Count the feature maps of the stem and of each bottleneck unit: kernel inputs and what GroupNorm keeps."""
    side = resolution // 2
    total = 8 * side**2 * resnet.width  # its GroupNorm and pooling keep the most
    side //= 2
    for stage, units in enumerate(resnet.num_blocks):
        side = side // 2 if stage else side
        total += units * 3 * side**2 * resnet.width * 2**stage * (1 + 1 + 4)
    return total
