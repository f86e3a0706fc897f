"""Where the locks of runs are: in the machine's folder of locks, one per run, by the run's id.

Not in the run's own folder: that may be copied, published or on a network disk.
"""

import dataclasses
import hashlib
from pathlib import Path

from vit_core.runs.files import RunConfig
from vit_core.store.holder import Holder
from vit_core.store.owners import owner_note


@dataclasses.dataclass(frozen=True)
class RunLocks:
    """The locks of runs below one folder of locks."""

    lock_dir: Path

    def run(self, config: RunConfig) -> Path:
        """Give the lock that the owner of a run holds."""
        return self.lock_dir / "runs" / f"{config.id}.lock"

    def library(self, runs_dir: Path) -> Path:
        """Give the lock that is held while runs come into a folder or go from it."""
        digest = hashlib.sha256(str(runs_dir.resolve()).encode()).hexdigest()[:16]
        return self.lock_dir / f"library-{digest}.lock"

    def owner(self, config: RunConfig, folder: Path) -> Holder | None:
        """Say who owns a run; None for nobody, and for the owner of a copy of it in another folder."""
        note = owner_note(self.run(config))
        if note is None:
            return None
        holder = Holder.from_note(note)
        return holder if holder.folder in ("", str(folder.resolve())) else None
