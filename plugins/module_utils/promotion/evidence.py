# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The evidence of runs on the target, beside their backups, and which of them still holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..backup_set import manifest as manifests
from ..errors import BadRequest
from ..journal.journal import Journal, all_runs
from ..journal.verdicts import Verdict
from ..model import Target
from ..ports import files
from ..restore import history
from .record import Evidence


@dataclass(frozen=True)
class Found:
    """:param fresh: evidence by run, of runs that are not recorded yet.
    :param undone: runs that are recorded, and were rolled back since.
    """

    fresh: dict[str, str]
    undone: tuple[str, ...]


def write(directory: Path, evidence: Evidence) -> None:
    """
    :raises FileFailed: the filesystem refused.
    """
    files.replace_text(directory / manifests.PROMOTION, evidence.as_json())


def look(backup_root: Path, target: Target, recorded: Collection[str]) -> Found:
    """
    :param recorded: the runs that the controller has a record of.
    :raises FileFailed: the evidence of a run cannot be read, or is a link.
    :raises BadRequest: it is outside of the backup root.
    :raises ConnectionFailed: databases of this name on several servers share the backup root, and the server cannot be
        asked which one it is.
    """
    holding = {migration.run_id for migration in history.of_server(backup_root, target)}
    runs = [run for run in all_runs(backup_root) if run.database == target.dbname]
    migrated = [run for run in runs if run.run_id in holding and run.state.verdict is Verdict.MIGRATED]
    fresh = {run.run_id: _text(run, backup_root) for run in migrated if run.run_id not in recorded and _has(run)}
    undone = [run.run_id for run in runs if run.run_id in recorded and run.run_id not in holding]
    return Found(fresh, tuple(undone))


def _has(run: Journal) -> bool:
    return bool(run.backup_dir) and _path(run).is_file()


def _text(run: Journal, backup_root: Path) -> str:
    path = _path(run)
    if backup_root.resolve() not in path.resolve().parents:
        raise BadRequest(f"{path} is outside of {backup_root}.")
    return files.read_plain_text(path)


def _path(run: Journal) -> Path:
    return Path(run.backup_dir) / manifests.PROMOTION
