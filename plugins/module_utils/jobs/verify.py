# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup as a job."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Union

from ..backup import store_verify
from ..backup.store_verify import StoreVerifyRequest
from ..console import verify as console
from ..errors import PgsafeError, VerificationFailed
from ..journal.journal import Journal
from ..model import Administrator, Target
from ..verify import lone_archive
from ..verify import run as verify
from ..verify.findings import BackupProof
from ..verify.instance import Options
from ..verify.lone_archive import ArchiveRequest
from ..verify.run import VerifyRequest

Request = Union[VerifyRequest, ArchiveRequest, StoreVerifyRequest]

# What a request to a guard may contain: it verifies the backup of a run.
TYPES = (Administrator, Options, Target, VerifyRequest)

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

    def __init__(self, found: BackupProof, result: Mapping[str, object], shown: str) -> None:
        findings = [finding.as_text() for finding in found.findings]
        listed = "".join(f"\n  {line}" for line in findings)
        super().__init__(f"The backup {shown} is not proven:{listed}\n", remedy=_remedy(findings))
        self.result = result

    def facts(self) -> dict[str, object]:
        return {**super().facts(), **self.result}


def run(request: Request) -> dict[str, object]:
    """
    :raises PgsafeError: the backup is not proven, or the proof could not be tried.
    """
    shown, found = _verified(request)
    result = _result(found, console.verify(found))
    if found.findings and request.fail:
        raise BackupNotProven(found, result, shown)
    return result


def failure(error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message."""
    return error.facts()


def _verified(request: Request) -> tuple[str, BackupProof]:
    """What was verified, for people, and what was found."""
    if isinstance(request, ArchiveRequest):
        return str(request.archive), lone_archive.run(request)
    if isinstance(request, StoreVerifyRequest):
        return request.url, store_verify.run(request)
    return str(request.backup_dir), verify.run(request)


def predicted(request: Request) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises NotABackup: there is nothing to verify.
    """
    if isinstance(request, ArchiveRequest):
        lone_archive.plan(request)
    elif isinstance(request, StoreVerifyRequest):
        store_verify.plan(request)
    elif request.backup_dir != Path():
        verify.plan(request)
    return _result(BackupProof("", (), {}, None), console.verify_foreseen(request.level))


def run_of(request: Request) -> Journal | None:
    """The run that the backup is of; None for one that has none beside it, or none that we may write to."""
    # An encrypted copy and one in a store are read, and not restored: that takes no guard.
    if not isinstance(request, VerifyRequest) or verify.is_encrypted(request.backup_dir):
        return None
    found = verify.run_of(request.backup_dir)
    return found if found and os.access(found.directory, os.W_OK) else None


def _result(found: BackupProof, lines: list[str]) -> dict[str, object]:
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
