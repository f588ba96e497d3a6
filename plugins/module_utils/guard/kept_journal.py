# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a watched run, kept in memory: its directory, or the backup root, may be renamed or removed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Refused
from ..journal import journal
from ..journal.journal import Journal


class KeptJournal:
    """The newest text of a run's journal, read through a descriptor that a rename or a removal leaves intact.

    :raises PgsafeError: there is no journal.
    """

    def __init__(self, run_journal: Journal) -> None:
        if run_journal.text() is None:
            raise Refused(f"The run {run_journal.run_id} has no journal.")
        self._journal = run_journal
        self._held = run_journal.hold()
        self._text = self._held.text()

    @property
    def lost(self) -> bool:
        """Whether the backup root is gone, and the backup of the run with it."""
        return not journal.root_of(self._journal).is_dir()

    def keep(self) -> bool:
        """Remember the journal; where it is gone, put it back. Returns whether it was put back.

        :raises PgsafeError: it can be neither read nor put back.
        """
        self._text = self._held.text()
        if self._held.named:
            return False
        gone = self._journal.text() is None
        if gone:
            self._journal.put_back(self._text)
        self._held.close()
        self._held = self._journal.hold()
        return gone

    @contextmanager
    def elsewhere(self) -> Iterator[Path]:
        """A backup root that holds this journal alone, for the time of the block."""
        with tempfile.TemporaryDirectory(prefix="pgsafe_") as directory:
            Journal(Path(directory) / journal.RUNS / self._journal.run_id).put_back(self._text)
            yield Path(directory)
