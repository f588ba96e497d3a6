# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The jobs that a guard can do: from a module's request to a module's result, without Ansible."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from ..audit.finding import Finding
from ..audit.report import AuditReport, RuleReading
from ..backup.request import BackupRequest
from ..errors import ConnectionFailed, PgsafeError
from ..migrate.migration_set import SetSource
from ..migrate.pending import Accepted, File, Listing
from ..migrate.run import MigrateRequest
from ..migrate.tool import ToolOptions
from ..migrate.verification.assertions import Assertion
from ..migrate.verification.expectations import Expectation
from ..migrate.verification.result import Wanted
from ..model import Administrator, Target
from ..promotion.permit import Permit, Proven
from ..promotion.record import Step
from ..restore.recover import Decision, RecoverRequest
from ..restore.run import RestoreRequest
from ..verify.instance import Options
from ..verify.lone_archive import ArchiveRequest
from ..verify.run import VerifyRequest
from . import backup, migrate, recover, restore, verify

Request = Union[
    BackupRequest, VerifyRequest, ArchiveRequest, MigrateRequest, RecoverRequest, RestoreRequest
]


# The types that a request may contain.
TYPES = (
    Accepted,
    Administrator,
    ArchiveRequest,
    Assertion,
    AuditReport,
    BackupRequest,
    Decision,
    Expectation,
    File,
    Finding,
    Listing,
    MigrateRequest,
    Options,
    Permit,
    Proven,
    RecoverRequest,
    RestoreRequest,
    RuleReading,
    SetSource,
    Step,
    Target,
    ToolOptions,
    VerifyRequest,
    Wanted,
)


@dataclass(frozen=True)
class Job:
    """:param run: takes the job's request, and gives what its module returns.
    :param failure: gives what its module returns beside the message when it fails.
    :param goes_on: to its end even when the lease lapses: it changes nothing before that.
    """

    run: Callable[[Any], dict[str, Any]]
    failure: Callable[[PgsafeError], dict[str, Any]] = lambda error: error.facts()
    goes_on: bool = False


JOBS = {
    "backup": Job(backup.run),
    "verify": Job(verify.run),
    "migrate": Job(migrate.run, migrate.failure),
    "recover": Job(recover.run),
    "restore": Job(restore.run, goes_on=True),
}

# Those that end a run, and so return its verdict.
ENDING = ("migrate", "recover")

_BY_SIGNAL = re.compile(r"was interrupted by SIG[A-Z]+\.")


def run(name: str, request: Request, why: Callable[[], str]) -> dict[str, Any]:
    """What the job's module returns, or what it fails with and ``failed``.

    :param why: why the job was broken off, where it was; for a person the signal that did it is no reason.
    """
    job = JOBS[name]
    try:
        return job.run(request)
    except PgsafeError as error:
        reason = why()
        if reason:
            error.what = _told(error.what, reason)
        repeat = isinstance(error, ConnectionFailed)
        return {"failed": True, "msg": str(error), "worth_repeating": repeat, **job.failure(error)}


def _told(what: str, reason: str) -> str:
    """An error of something that was broken off: the reason, in place of the signal or after the lost session."""
    told, count = _BY_SIGNAL.subn(lambda _found: f"was interrupted. {reason}", what)
    return told if count else f"Interrupted. {reason} ({what})"
