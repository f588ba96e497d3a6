# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a verified copy can follow the database by logical replication, where the fence wants that."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...model import FOLLOWED
from .check import Facts

_BESIDE = "verified_copy"


def check(facts: Facts) -> Iterator[Problem]:
    if facts.fence != FOLLOWED:
        return
    for obstacle in facts.followed_copy:
        text = f"No copy can follow {facts.database}: {obstacle.what}."
        if obstacle.severity == "warning":
            text = f"A copy that follows {facts.database} may have to be abandoned: {obstacle.what}."
        yield Problem("followed_copy", obstacle.severity, text, obstacle.remedy)
    if facts.proof != _BESIDE:
        yield Problem(
            "followed_copy",
            "error",
            f"No copy can follow {facts.database}: its backup would not be proven beside it (proof: {facts.proof}). "
            f"{facts.proof_reason}",
            "Set pg_migrate_level: restore and pg_migrate_proof: verified_copy, and make room for the copy.",
        )
