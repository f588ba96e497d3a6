# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waivers: a person accepts the errors of a check, by its name and with a reason."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BadRequest
from .checks import registry, run
from .restore_checks import registry as of_restores

# One inventory serves the preflight and a rollback by hand, so each of them takes the names of both.
KNOWN = frozenset([*(run.name_of(listed.check) for listed in registry.CHECKS), *map(run.name_of, of_restores.CHECKS)])


def read(given: Mapping[str, object]) -> dict[str, str]:
    """The reasons by the names of checks.

    :raises BadRequest: there is no such check, or no reason.
    """
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadRequest(
            f"Cannot waive {', '.join(unknown)}: unknown check.",
            remedy=f"Use one of {', '.join(sorted(KNOWN))}.",
        )
    reasons = {name: str(reason or "").strip() for name, reason in given.items()}
    if mute := sorted(name for name, reason in reasons.items() if not reason):
        raise BadRequest(
            f"The waiver of {', '.join(mute)} has no reason.", remedy="Write why: {check: reason}; it is reported."
        )
    return reasons
