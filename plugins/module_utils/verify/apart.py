# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which role restores in a temporary instance: a superuser only where no other role can, and where that is safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import QueryFailed, Refused
from ..text import first_few
from . import privileged
from .findings import Found


@dataclass(frozen=True)
class Rule:
    """:param path: what is restored.
    :param superuser_allowed: whether its SQL may run as a superuser of a temporary instance.
    """

    path: Path
    superuser_allowed: bool


class Restoring(Protocol):
    """Restores in a temporary instance."""

    def __call__(self, looked: Found, /, *, as_superuser: bool) -> None:
        """Restore, and add what is found to ``looked``."""


def restore(restoring: Restoring, needed: Sequence[str], found: Found, rule: Rule) -> None:
    """Restore as the role that suffices; what a superuser may repeat is found only when a superuser finds it too.

    :param needed: what takes a superuser, as far as it is known beforehand.
    :raises Refused: it takes a superuser, and may not have one.
    """
    reason = first_few(needed, 10)
    if not needed:
        tried = _unprivileged(restoring, rule)
        reason = tried.findings[0].what if tried.findings else ""
        if not reason or not (rule.superuser_allowed or privileged.is_denied(reason)):
            found.take(tried)
            return
    if not rule.superuser_allowed:
        raise Refused(
            f"{rule.path} is of unknown origin, and only a superuser restores it, whose SQL could run programs as the "
            f"user of this task: {reason}.",
            remedy="Run the task as root, whose temporary instance has a user who owns nothing, or set trusted: true "
            "if this SQL may run as the user of this task.",
        )
    found.notes.append(f"restored by a superuser of the temporary instance, since no other role could: {reason}")
    restoring(found, as_superuser=True)


def _unprivileged(restoring: Restoring, rule: Rule) -> Found:
    tried = Found()
    try:
        restoring(tried, as_superuser=False)
    except QueryFailed as error:
        tried.add(rule.path.name, error.what)
    return tried
