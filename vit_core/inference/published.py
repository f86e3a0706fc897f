"""What is said of a damaged file of which another copy would be the same."""

from pathlib import Path

from vit_core.errors import BadCheckpoint, DamagedCheckpoint
from vit_core.store.store import Store


def as_published(error: DamagedCheckpoint, path: Path, store: Store) -> BadCheckpoint:
    """Say of a damaged file that it is published like this, where it was fetched; of one of the user's, what is wrong.

    Args:
        error: what is wrong with it.
        path: the file, which `store.discard` did not delete.
        store: whose it may be.
    """
    if not store.is_fetched(path):
        return DamagedCheckpoint(str(error))
    return BadCheckpoint(
        f"{error} It is published like this: its checksum is the one that is stated where it came from, so fetching it "
        "again would not help. Take another checkpoint, or ask its owner."
    )
