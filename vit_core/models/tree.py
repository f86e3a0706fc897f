"""Parameters as a tree of dictionaries, and by path, as in "blocks/0/norm1/scale". No JAX here."""

from collections.abc import Iterator, Mapping
from typing import Any

Params = dict[Any, Any]  # nested; the leaves are arrays, lists of modules have whole numbers as keys


def flatten(params: Params) -> dict[str, Any]:
    """Give the leaves of a tree by path, in the order in which JAX walks through it.

    Example:
        >>> flatten({"cls": 2, "blocks": {10: {"scale": 3}, 9: {"scale": 1}}})
        {'blocks/9/scale': 1, 'blocks/10/scale': 3, 'cls': 2}
    """
    return {"/".join(path): leaf for path, leaf in _leaves(params, ())}


def unflatten(leaves: Mapping[str, Any]) -> Params:
    """Give the tree of these paths: the inverse of `flatten`.

    Example:
        >>> unflatten({"blocks/0/scale": 1, "cls": 2})
        {'blocks': {0: {'scale': 1}}, 'cls': 2}
    """
    tree: Params = {}
    for path, leaf in leaves.items():
        *parents, last = (int(key) if key.isdigit() else key for key in path.split("/"))
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = leaf
    return tree


def _leaves(node: Params, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key in sorted(node):
        below = (*path, str(key))
        if isinstance(node[key], dict):
            yield from _leaves(node[key], below)
        elif node[key] is not None:
            yield below, node[key]
