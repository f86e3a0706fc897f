"""What becomes of a checkpoint's head, the last layer, which names the classes: kept, replaced, or of no use.

One wording for the pages and the command line. Knows nothing of files: `vit_core.checkpoints` says in which state a
head is.
"""

from collections.abc import Mapping
from typing import Literal

from vit_core.catalog.collection import TRANSFER_SETS, pretraining_set
from vit_core.errors import shorten

Head = Literal["kept", "zeroed", "missing"]

# big_vision/configs/vit_i21k.py: loss "sigmoid_xent", labels are multi-hot.
I21K_NOTE = (
    "The ImageNet-21k classes were trained each on its own and overlap (an animal is also a dog and a beagle); "
    "the probabilities shown are shares among all of them."
)
"""What to know when reading the classes of ImageNet-21k."""


def why_no_classes(head: Head, name: str) -> str:
    """Say why a checkpoint cannot name classes; "" where it can.

    Args:
        head: as `vit_core.checkpoints.restore.Checkpoint` tells it.
        name: of the checkpoint.

    Example:
        >>> why_no_classes("kept", "my-model")
        ''
    """
    reasons = {
        "zeroed": "has a head of zeros, as the files of the folder imagenet21k were published on purpose, so every "
        "class would get the same share",
        "missing": "has no head, so it knows no classes",
    }
    if head not in reasons:
        return ""
    return (
        f"The checkpoint {shorten(name)!r} {reasons[head]}; it gives features and attention only. To name classes, "
        "fine-tune it, which makes a new head, or take a fine-tune of it."
    )


def used_as_is(num_classes: int | None) -> str:
    """Say what happens to the head of a checkpoint that classifies, and why.

    Args:
        num_classes: of the head, None where that is not known.

    Example:
        >>> used_as_is(1000)
        'Used as is: it keeps its head, so it answers with the 1,000 classes that it was trained on.'
    """
    classes = "classes" if num_classes is None else _classes(num_classes)
    return f"Used as is: it keeps its head, so it answers with the {classes} that it was trained on."


def new_task(old: int | None, new: int | None) -> str:
    """Say what happens to the head of a checkpoint that is fine-tuned, and why.

    Args:
        old: classes of its own head; 0 where it has none, None where that is not known.
        new: classes to be learned, None while they are not known.

    Example:
        >>> new_task(1000, 5)
        'A new task: its head for 1,000 classes is replaced by a new one for your 5 classes, for the old one can only \
answer with its own. All other layers start from what they have learned.'
    """
    ours = f"your {_classes(new)}" if new else "your classes"
    rest = "All other layers start from what they have learned."
    if old == 0:
        return f"A new task: it has no head, so it gets a new one for {ours}. {rest}"
    its = f"its head for {_classes(old)}" if old else "its head"
    return (
        f"A new task: {its} is replaced by a new one for {ours}, for the old one can only answer with its own. {rest}"
    )


def policy_of(row: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Give what happens to the head of a catalogue's checkpoint, by what is done with it: pairs of label and sentence.

    Args:
        row: of a fine-tuned file, or of a pre-trained one, whose `adapt_ds` is missing.
    """
    from vit_core.catalog.describe import family_of_row  # brings pandas, which no prediction waits for

    family = family_of_row(row)
    if family is not None and family.head != "kept":
        old = 0 if family.head == "missing" else family.classes
        return ("To classify", why_no_classes(family.head, family.name)), ("To fine-tune", new_task(old, None))
    if family is not None and family.is_pickle:
        until = "Not until it is converted to safetensors, since it is a PyTorch pickle, which is not read here."
        return ("To classify", f"{until} {used_as_is(family.classes)}"), ("To fine-tune", until)
    known = TRANSFER_SETS.get(_text(row, "adapt_ds")) or (
        None if _text(row, "adapt_ds") else pretraining_set(_text(row, "ds"))
    )
    count = known.num_classes if known else None
    return ("To classify", used_as_is(count)), ("To fine-tune", new_task(count, None))


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return "" if value is None or value != value else str(value)


def _classes(count: int) -> str:
    return f"{count:,} class{'' if count == 1 else 'es'}"
