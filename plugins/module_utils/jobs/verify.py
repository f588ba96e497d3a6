# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup as a job."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import target
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import VerificationFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import console
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import lone_archive
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.findings import BackupProof
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.instance import Options

Params = Mapping[str, Any]


# What PostgreSQL says of a function that was called while pg_restore's search_path was empty.
_UNFOUND = re.compile(r"ERROR: .* does not exist")
_CONTEXT = re.compile(r"CONTEXT: +(?:PL/pgSQL|SQL) function \"?([^\s\"(]+(?:\([^)]*\))?)")


def _remedy(findings: Sequence[str]) -> str:
    """A backup that restores nowhere does not become better by being taken again."""
    told = "\n".join(findings)
    called = _CONTEXT.search(told)
    if not _UNFOUND.search(told) or not called:
        return "Fix what the error names; take a new backup where a file of this one is damaged."
    return (
        f"{called[1]} relies on a search_path, and a restore has none. Give the function its own, then run again: "
        f"ALTER FUNCTION {called[1]} SET search_path = ... (the schemas of what it uses)."
    )


class BackupNotProven(VerificationFailed):
    """The level that was asked for was not reached."""

    def __init__(self, result: dict[str, Any], directory: str) -> None:
        found = "".join(f"\n  {line}" for line in result["findings"])
        super().__init__(f"The backup {directory} is not proven:{found}\n", remedy=_remedy(result["findings"]))
        self.result = result

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), **self.result}


def run(params: Params) -> dict[str, Any]:
    """
    :raises PgsafeError: the backup is not proven, or the proof could not be tried.
    """
    verb, request = _verb(params)
    found = verb.run(request)
    result = _result(found, console.verify(found))
    if found.findings and params["fail"]:
        raise BackupNotProven(result, params["archive"] or params["backup_dir"])
    return result


def predicted(params: Params) -> dict[str, Any]:
    """What would be done, by reading alone.

    :raises NotABackup: there is nothing to verify.
    """
    if params["backup_dir"] or params["archive"]:
        verb, request = _verb(params)
        verb.plan(request)
    return _result(BackupProof("", (), {}, None), console.verify_foreseen(params["level"]))


def run_of(params: Params) -> Journal | None:
    """The run that the backup is of; None for one that has none beside it, or none that we may write to."""
    found = None if params["archive"] else verify.run_of(Path(params["backup_dir"]).resolve())
    return found if found and os.access(found.directory, os.W_OK) else None


def _verb(params: Params) -> tuple[Any, Any]:
    return _archive(params) if params["archive"] else _backup(params)


def _backup(params: Params) -> tuple[Any, verify.VerifyRequest]:
    return verify, verify.VerifyRequest(backup_dir=Path(params["backup_dir"]).resolve(), **_common(params))


def _archive(params: Params) -> tuple[Any, lone_archive.ArchiveRequest]:
    return lone_archive, lone_archive.ArchiveRequest(archive=Path(params["archive"]).resolve(), **_common(params))


def _common(params: Params) -> dict[str, Any]:
    directory = Path(params["instance_directory"]).resolve() if params["instance_directory"] else None
    return {
        "target": target(params, required=False),
        "level": params["level"],
        "jobs": params["jobs"],
        "proof": params["proof"],
        "trusted": params["trusted"],
        "instance_options": Options(params["bin_dir"], directory, params["instance_user"]),
    }


def _result(found: BackupProof, lines: list[str]) -> dict[str, Any]:
    return {
        "changed": False,
        "reached": found.reached,
        "findings": [finding.as_text() for finding in found.findings],
        "notes": list(found.notes),
        "not_given_back": list(found.not_given_back),
        "seconds": found.seconds,
        "steps": found.steps,
        "verified_copy": found.verified_copy,
        "restore_seconds": found.seconds.get("restore", 0.0),
        "console": lines,
    }
