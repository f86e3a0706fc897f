"""Which parameters a run changes; the others get no gradient and no memory of the optimizer."""

from vit_core.errors import BadSetting
from vit_core.models.build import Params, flatten, unflatten
from vit_core.training.config import num_blocks

_AFTER_BLOCKS = ("norm", "map_head", "pre_logits", "head")


def partition(params: Params, trainable: str, num_layers: int) -> tuple[Params, Params]:
    """Split parameters into those that are trained and those that stay.

    Args:
        params: arrays in the shape of `build`'s parameters.
        trainable: "all"; "head" for the head alone; "last-N" for the last N encoder blocks and all that follows them:
            the final LayerNorm, attention pooling and the head.
        num_layers: encoder blocks of the model.

    Returns:
        The trained and the frozen parameters, each a tree with the paths of the whole.

    Raises:
        BadSetting: not a way to choose, or more blocks than there are.
    """
    count = num_blocks(trainable)
    if count is None:
        return params, {}
    if count > num_layers:
        raise BadSetting(f'trainable is "{trainable}", and this model has {num_layers} blocks; take at most as many.')
    first = num_layers - count
    leaves = flatten(params)
    chosen = {path for path in leaves if _is_trained(path, first if count else None)}
    trained = {path: leaf for path, leaf in leaves.items() if path in chosen}
    frozen = {path: leaf for path, leaf in leaves.items() if path not in chosen}
    return unflatten(trained), unflatten(frozen)


def join(trained: Params, frozen: Params) -> Params:
    """Give the whole tree: the inverse of `partition`."""
    return unflatten({**flatten(trained), **flatten(frozen)})


def _is_trained(path: str, first_block: int | None) -> bool:
    if first_block is None:
        return path.startswith("head/")
    kind, _, rest = path.partition("/")
    return kind in _AFTER_BLOCKS or (kind == "blocks" and int(rest.partition("/")[0]) >= first_block)
