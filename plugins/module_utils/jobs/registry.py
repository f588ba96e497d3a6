# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The jobs that a guard can do: from a module's request to a module's result, without Ansible.

Each is the file of its name, imported when it is asked for: a program does one job, and their imports take longer than
many of them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Union, cast

from ..errors import ConnectionFailed, PgsafeError

if TYPE_CHECKING:
    from ..backup.request import BackupRequest
    from ..migrate.run import MigrateRequest
    from ..restore.request import RecoverRequest
    from ..restore.run import RestoreRequest
    from ..verify.run import VerifyRequest

    # Ansible ships what a module imports, here too.
    from . import backup, migrate, recover, restore, verify  # noqa: F401  # shipped by its import

    Request = Union[BackupRequest, VerifyRequest, MigrateRequest, RecoverRequest, RestoreRequest]

JOBS = ("backup", "verify", "migrate", "recover", "restore")

# Those that end a run, and so return its verdict.
ENDING = ("migrate", "recover")

# Those that go on to their end even when the lease lapses: they change nothing before that.
GOING_ON = ("restore",)

_BY_SIGNAL = re.compile(r"was interrupted by SIG[A-Z]+\.")


class Job(Protocol):
    """What the file of a job has."""

    @property
    def TYPES(self) -> tuple[type, ...]:  # noqa: N802  # a constant of the file
        """The dataclasses and enumerations that its request may contain."""

    def run(self, request: Any) -> dict[str, object]:
        """What its module returns."""

    def failure(self, error: PgsafeError) -> dict[str, object]:
        """What its module returns beside the message when the job has failed."""


def named(name: str) -> Job:
    """
    :raises ValueError: there is no such job.
    """
    if name not in JOBS:
        raise ValueError(f"There is no job {name!r}.")
    return cast(Job, importlib.import_module(f".{name}", __package__))


def run(job: Job, request: Request, why: Callable[[], str]) -> Mapping[str, Any]:
    """What the job's module returns, or what it fails with and ``failed``.

    :param why: why the job was broken off, where it was; for a person the signal that did it is no reason.
    """
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
