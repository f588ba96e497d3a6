# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of promotion records, among the files of the controller: one file a host, database and run."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..module_utils import names
from ..module_utils.errors import BadRequest, PgsafeError
from ..module_utils.journal.journal import now
from ..module_utils.migrate.migration_set import MigrationSet
from ..module_utils.ports import files
from ..module_utils.promotion import policy, record
from ..module_utils.promotion.judge import Kept
from ..module_utils.promotion.permit import Permit, Proven
from ..module_utils.promotion.policy import Policy
from ..module_utils.promotion.record import Origin, Record
from . import local_files

_RECORD, _WITHDRAWN = ".json", ".withdrawn.json"

# Of a longer file no lines are kept.
_MOST_BYTES = 64 << 10

# As diff says it.
_NO_NEWLINE = "\\ No newline at end of file"


def located(asked: Policy, bases: Sequence[str | None]) -> Path:
    """
    :param bases: the directories of the inventory and of the playbook.
    :raises BadRequest: there is no such directory.
    """
    found = local_files.located(asked.directory, bases, "directory of promotion records", f"{policy.VARIABLE}.dir")
    if not found.is_dir():
        raise BadRequest(f"{found} is no directory.", remedy=f"Check {policy.VARIABLE}.dir.")
    return found


def kept(directory: Path, environment: str) -> Kept:
    """All records of an environment."""
    records, withdrawn = [], []
    paths, broken = _listed(directory / names.directory_name(environment))
    for path in paths:
        try:
            found = _read(directory, environment, path)
        except PgsafeError as error:
            broken.append(f"{path}: {error.what.rstrip('.')}")
            continue
        if _is_withdrawn(path):
            withdrawn.append(f"{found.told} ({_reason(_withdrawal(path))})")
        else:
            records.append(found)
    return Kept(environment, str(directory), tuple(records), tuple(withdrawn), tuple(broken))


def _listed(place: Path) -> tuple[list[Path], list[str]]:
    """The records below a directory, and a line for each directory that cannot be read."""
    failed: list[OSError] = []
    walked = [Path(parent) / name for parent, _names, found in os.walk(place, onerror=failed.append) for name in found]
    broken = [f"{error.filename} cannot be read ({error.strerror})" for error in failed if error.errno != errno.ENOENT]
    return sorted(path for path in walked if _is_record(path)), broken


def _is_record(path: Path) -> bool:
    return path.name.endswith(_RECORD) and not path.name.endswith(_WITHDRAWN)


def _read(directory: Path, environment: str, path: Path) -> Record:
    """
    :raises PgsafeError: it is no record, or that of another place.
    """
    with files.reporting(f"{path} could not be read", path):
        if not path.is_file():
            raise BadRequest("it is no file")
    found = record.read(files.read_text(path))
    if found.environment != environment:
        raise BadRequest(f"it is of {found.environment}")
    if path != Shelf(directory, environment, found.host, found.database).place / f"{found.run_id}{_RECORD}":
        raise BadRequest(f"it is not in its place ({found.told})")
    return found


def _is_withdrawn(path: Path) -> bool:
    """By a link that leads nowhere, too."""
    return os.path.lexists(_withdrawal(path))


def _withdrawal(path: Path) -> Path:
    return path.with_name(path.name[: -len(_RECORD)] + _WITHDRAWN)


def _reason(path: Path) -> str:
    try:
        return str(json.loads(files.read_text(path))["reason"])
    except (PgsafeError, ValueError, KeyError, TypeError, RecursionError):
        return "withdrawn"


def permit(asked: Policy, bases: Sequence[str | None], set_name: str) -> Permit:
    """What the records allow, read anew right before the migration.

    :raises BadRequest: there is no such directory.
    """
    directory = located(asked, bases)
    found = [one for environment in asked.required for one in kept(directory, environment).records]
    proven = [Proven(one.environment, step, one.told) for one in _newest_first(found, set_name) for step in one.steps]
    return Permit(asked.required, tuple(_bare(proven)), asked.override)


def _newest_first(found: Sequence[Record], set_name: str) -> list[Record]:
    of_set = [one for one in found if one.set_name == set_name]
    return sorted(of_set, key=lambda one: (one.verified, one.run_id), reverse=True)


def _bare(proven: Sequence[Proven]) -> Iterator[Proven]:
    """Each step once an environment, by the newest record, and without its lines."""
    seen = set()
    for one in proven:
        key = (one.environment, one.step.name, one.step.sha256, one.step.parts)
        if key not in seen:
            seen.add(key)
            yield Proven(one.environment, record.Step(one.step.name, one.step.sha256, one.step.parts), one.told)


@dataclass(frozen=True)
class Shelf:
    """Where the records of one database in one environment are.

    :param directory: of all records.
    """

    directory: Path
    environment: str
    host: str
    database: str

    @property
    def place(self) -> Path:
        parts = [names.directory_name(part) for part in (self.environment, self.host, self.database)]
        return self.directory.joinpath(*parts)

    @property
    def recorded(self) -> list[str]:
        """The runs that have a record which was not withdrawn."""
        found = [path for path in self.place.glob(f"*{_RECORD}") if _is_record(path)]
        return sorted(path.name[: -len(_RECORD)] for path in found if not _is_withdrawn(path))

    def keep(self, run_id: str, evidence: str, texts: Mapping[str, Sequence[str]]) -> Path:
        """
        :raises PgsafeError: the filesystem refused, or the evidence is of another run.
        """
        origin = Origin(self.environment, self.host, self.database, run_id)
        return self._write(run_id, _RECORD, record.completed(evidence, origin, texts))

    def withdraw(self, run_id: str) -> Path:
        """
        :raises PgsafeError: the filesystem refused.
        """
        content = {"run_id": run_id, "withdrawn": now(), "reason": "the run was rolled back"}
        return self._write(run_id, _WITHDRAWN, json.dumps(content, indent=1) + "\n")

    def _write(self, run_id: str, suffix: str, text: str) -> Path:
        record.require_run_id(run_id)
        for directory in (self.place.parent.parent, self.place.parent, self.place):
            files.make_directory(directory)
        path = self.place / f"{run_id}{suffix}"
        files.replace_text(path, text)
        return path


def lines(migration: MigrationSet | None) -> dict[str, list[str]]:
    """The lines of the files of a set, and of those that they name, by their SHA-256; of long files none."""
    if migration is None:
        return {}
    named = dict(pair for file in migration.files for pair in ((file.name, file.sha256), *file.parts))
    found = {sha256: _lines(migration.root / name) for name, sha256 in named.items()}
    return {sha256: of_file for sha256, of_file in found.items() if of_file}


def _lines(path: Path) -> list[str]:
    """As a diff shows them, with the end of the last one; none of a file that is long, or no text."""
    with files.reporting(f"{path} could not be read", path):
        size = path.stat().st_size
    if size > _MOST_BYTES:
        return []
    try:
        *found, last = files.read_bytes(path).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return []
    return [*found, last, _NO_NEWLINE] if last else found


def bases(task_vars: Mapping[str, Any], playbook: str) -> list[str | None]:
    return [task_vars.get("inventory_dir"), playbook]
