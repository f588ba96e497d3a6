# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier runs have left of a database: runs without an end, their copies, and the databases that they kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..backup_set import manifest as manifests
from ..copies import copy as copies
from ..copies import lock as copy_lock
from ..fence import mark as fence_mark
from ..fence import run as fence
from ..fence import whereabouts
from ..journal import lock as run_lock
from ..journal.journal import Journal, all_runs, of_run
from ..model import Identity, Target
from ..ports.database import WRITING, session
from ..postgres import identity as identities
from ..postgres import queries
from ..preflight import access_probe


def require_known(target: Target, backup_root: Path) -> None:
    """
    :raises Refused: a run of another host, or of another backup root, is at work on the database, or was.
    """
    who = holder(target)
    if who and not (who.run_id and of_run(backup_root, who.run_id)):
        raise run_lock.refused(target.dbname, who)
    with session(target.maintenance, purpose="recover") as server:
        marks = fence_mark.found(server, target.dbname)
    for name, mark in marks.items():
        run_journal = of_run(backup_root, fence_mark.run_id(mark))
        if run_journal is None or run_journal.database != target.dbname or not run_journal.state.fenced:
            raise fence_mark.refused(target.dbname, name, mark)


def holder(target: Target) -> run_lock.Holder | None:
    """Who has the run lock of the database."""
    with session(target.maintenance, purpose="recover") as server:
        oid = server.rows(queries.DATABASE_OID, (target.dbname,))
        return run_lock.holder(server, int(oid[0][0])) if oid else None


def found(target: Target, backup_root: Path) -> Iterator[Journal]:
    """Runs of this very database that did not come to their end, oldest first."""
    for run_journal in _of_database(target, backup_root):
        if _is_left(run_journal) and _is_here(target, run_journal):
            yield run_journal


def newest(target: Target, backup_root: Path) -> list[Journal]:
    """The newest run of the database: a guard may have finished it after its controller was gone."""
    return _of_database(target, backup_root)[-1:]


def _of_database(target: Target, backup_root: Path) -> list[Journal]:
    return [of for of in _all(backup_root) if of.database == target.dbname]


def _all(backup_root: Path) -> list[Journal]:
    return all_runs(backup_root) if backup_root.is_dir() else []


def _is_left(run_journal: Journal) -> bool:
    """A rollback that failed has opened the database: a person decides what follows."""
    state = run_journal.state
    if state.unfinished:
        return state.fenced or state.accepted is not None
    return state.fenced or state.left_copy


def _is_here(target: Target, run_journal: Journal) -> bool:
    """Several servers may share a backup root, and have databases of one name."""
    identity = identity_of(run_journal)
    if identity is None:
        return False
    with session(target.maintenance, purpose="recover") as server:
        here = identities.read(server, target.maintenance_db)
    return here.system_identifier == identity.system_identifier


def identity_of(run_journal: Journal) -> Identity | None:
    """Of the database of a run; None where neither its fence nor its backup tells."""
    raised = fence.recorded(run_journal)
    if raised:
        return raised.identity
    directory = Path(run_journal.backup_dir)
    return manifests.read(directory).identity if (directory / manifests.MANIFEST).exists() else None


def sweep(target: Target, backup_root: Path) -> list[str]:
    """Drop copies of runs of this backup root that have ended, or that no process works on; returns their names."""
    copies_of = {name: of for of in _all(backup_root) for name in copies.of_run(target.dbname, of.run_id)}
    with session(target.maintenance, WRITING, "recover") as server:
        there = server.rows(queries.COPIES, (list(copies_of),))
        unused = list(access_probe.left(server, target.dbname))
        for name, comment, sessions in there:
            if not sessions and _unused(target, copies_of[name], name, comment) and copy_lock.take(server, name):
                unused.append(name)
        for name in unused:
            copies.drop(target, name)
    return unused


def _unused(target: Target, run_journal: Journal, name: str, comment: str) -> bool:
    ours = copies.is_of_run(name, comment, target.dbname, run_journal.run_id)
    return ours and not copies.recorded_ready(run_journal) and not run_journal.alive


def kept(target: Target) -> dict[str, int]:
    """Databases that rollbacks replaced and kept, with their sizes in bytes."""
    prefix = copies.kept_mark("")
    with session(target.maintenance, purpose="recover") as server:
        there = server.rows(queries.KEPT, (prefix,))
    return {
        name: int(size)
        for name, comment, size in there
        if name in whereabouts.kept_names(target.dbname, comment[len(prefix) :])
    }
