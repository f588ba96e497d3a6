# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The progress of a job, for people, by its journal, by the server's statistics and by the files that are open.

All of it is observed from outside, so that no job reports anything, in a session that holds no lock and no snapshot.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .. import names
from ..backup_set import manifest as manifests
from ..backup_set.manifest import ARCHIVE, SCRIPT
from ..errors import FileFailed, NotABackup, PgsafeError
from ..fence import run as fence
from ..journal.events import Event
from ..ports.database import Session, connect
from ..ports.files import PARTIAL_SUFFIX
from ..postgres import queries
from ..preflight import backup_forecast
from . import open_files
from .open_files import OpenFile
from .order import Order

if TYPE_CHECKING:
    from ..backup.request import BackupRequest
    from ..migrate.run import MigrateRequest
    from ..restore.run import RestoreRequest
    from ..verify.run import VerifyRequest

_STATEMENT_LENGTH = 60

# A database may have many files, and its size is their sum.
_SIZE_SECONDS = 2.0

# How the statements of a comparison begin; a restore has other ones.
_COMPARING = ("SELECT", "WITH", "DECLARE", "FETCH", "COPY (")


class Progress:
    """The progress of one job."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._journal = order.journal
        self._target = order.request.target
        self._server: Session | None = None
        self._looks = 0
        self._copy: tuple[str, int] | None = None
        self._measured = 0.0
        self._expected: int | None = None

    def look(self) -> dict[str, object]:
        """What the job does now.

        ``now`` has ``what``; ``done`` and ``total`` in bytes, where they are known; of a statement its age in
        ``seconds`` and, where the server reports it, the ``share`` that is done.

        :raises PgsafeError: the server cannot be asked at the moment.
        """
        self._looks += 1
        newest = self._journal.entries()[-1]
        text = phrase(newest.event, newest.facts, self._files)
        try:
            now = self._now(newest.event)
        except PgsafeError:
            self.close()
            raise
        return {"looks": self._looks, "event": newest.event, "text": text, **({"now": now} if now else {})}

    @property
    def _files(self) -> Sequence[str]:
        if self._order.job != "migrate":
            return ()
        return cast("MigrateRequest", self._order.request).source.files

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def _now(self, event: str) -> dict[str, object]:
        job = self._order.job
        if job == "migrate" and event is not Event.ROLLING_BACK:
            return self._statement("pgsafe migration %")
        files = open_files.look(self._directory)
        if job == "backup":
            return self._of_backup(files)
        return self._of_restore() or _of_files(files)

    @property
    def _directory(self) -> Path:
        """The directory of the job's backup."""
        if self._order.job in ("backup", "recover"):
            return Path(self._journal.backup_dir).resolve()
        return cast("VerifyRequest | MigrateRequest | RestoreRequest", self._order.request).backup_dir.resolve()

    def _of_backup(self, files: list[OpenFile]) -> dict[str, object]:
        """The archive, measured by its expected size; the script, by how much of the archive was read."""
        for found in files:
            if found.writing and found.name == ARCHIVE + PARTIAL_SUFFIX:
                return {"what": ARCHIVE, "done": found.size, "total": self._expected_archive()}
        for found in files:
            if not found.writing and found.name == ARCHIVE:
                return {"what": SCRIPT, "done": found.done, "total": found.size}
        return {"what": "tables"} if files else {}

    def _expected_archive(self) -> int | None:
        """Estimated from the last comparable backup, once."""
        if self._expected is None:
            self._expected = 0
            with suppress(PgsafeError):
                self._expected = self._of_last_backup()
        return self._expected or None

    def _of_last_backup(self) -> int:
        request, raised = cast("BackupRequest", self._order.request), fence.recorded(self._journal)
        if raised is None:
            return 0
        last = backup_forecast.last(request.backup_root, raised.identity)
        if last is None or last.manifest.compression["method"] != request.compress_method:
            return 0
        archive = last.manifest.file("dump")
        size = int(self._connected().value(queries.DATABASE_SIZE, (self._target.dbname,)))
        return archive.size * size // max(1, last.manifest.database_bytes) if archive else 0

    def _of_restore(self) -> dict[str, object]:
        """A copy that is being filled, by its size and that of the original, which is seldom smaller; or compared."""
        copy = self._size_of_copy()
        if copy is None:
            return {}
        name, size = copy
        statement = self._statement("pgsafe %", name)
        if str(statement.get("what", "")).upper().startswith(_COMPARING):
            return {"what": "comparing the copy", "seconds": statement["seconds"]}
        if "share" in statement:
            return statement
        return {"what": "restoring", "done": size, "total": self._original_bytes()}

    def _size_of_copy(self) -> tuple[str, int] | None:
        if time.monotonic() - self._measured > _SIZE_SECONDS:
            found = self._connected().rows(queries.SIZE_OF_COPY, (list(self._copies()),))
            self._copy = (str(found[0][0]), int(found[0][1])) if found else None
            self._measured = time.monotonic()
        return self._copy

    def _copies(self) -> Iterator[str]:
        """The copies that the job may be filling."""
        if self._order.job == "restore":
            asked = cast("RestoreRequest", self._order.request).new_database
            yield from [asked] if asked else []
        run_id = self._journal.run_id
        for purpose in ("scratch", "trial", "ready", "restored"):
            yield names.beside(self._journal.database or self._target.dbname, purpose, run_id)

    def _original_bytes(self) -> int | None:
        with suppress(NotABackup, FileFailed):
            return manifests.read(self._directory).database_bytes
        return None

    def _statement(self, application: str, database: str = "") -> dict[str, object]:
        """The longest running statement of the job, and its age."""
        found = self._connected().rows(
            queries.RUNNING_OF_RUN, {"application": f"{application} {self._order.token}", "database": database}
        )
        if not found:
            return {}
        statement, seconds, done, total = found[0]
        share = {"share": done / total} if done is not None and total else {}
        return {"what": _shortened(statement), "seconds": float(seconds), **share}

    def _connected(self) -> Session:
        if self._server is None:
            self._server = connect(self._target.maintenance, purpose="progress")
        return self._server


def _of_files(files: list[OpenFile]) -> dict[str, object]:
    """The file with the most bytes left to read, since two may be compared with each other."""
    left = {found.size - found.done: found for found in files if not found.writing}
    if not left:
        return {}
    found = left[max(left)]
    return {"what": f"checking {found.name}", "done": found.done, "total": found.size}


def _shortened(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= _STATEMENT_LENGTH else f"{line[: _STATEMENT_LENGTH - 1]}…"


def phrase(event: str, facts: Mapping[str, Any], files: Sequence[str]) -> str:
    """The newest event of a journal in words."""
    if event in (Event.APPLYING, Event.APPLIED):
        name = str(facts["file"])
        place = f"file {files.index(name) + 1} of {len(files)}" if name in files else "step"
        return f"Applying {place}: {name}"
    return next((text for known, text in _WORDS.items() if known == event), "")


_WORDS = {
    Event.PUBLISHING: "Publishing the changes of all tables",
    Event.SLOTTING: "Waiting for running transactions to end",
    Event.SUBSCRIBING: "The verified copy catches up",
    Event.READING_ONLY: "Comparing the verified copy with the read-only database",
    Event.CLOSING: "Closing the database",
    Event.ARMED: "Applying the migration",
    Event.FAILED: "Looking at what the failed migration has left",
    Event.ABORTING: "Ending the migration",
    Event.ROLLING_BACK: "Rolling back",
    Event.ACCEPTED: "Opening the database",
}
