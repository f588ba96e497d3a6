# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disk space that a verified copy takes while it is retained, and whether one will be retained at all."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...model import COPIED
from ...text import duration, size
from .check import Facts

_BESIDE = "verified_copy"


def check(facts: Facts) -> Iterator[Problem]:
    if not facts.keep_copy_seconds:
        return
    if facts.proof != _BESIDE and facts.fence != COPIED:
        yield Problem(
            "retained_copy",
            "warning",
            "No verified copy will be retained after the verdict: the backup is not proven beside the database "
            f"(proof: {facts.proof}).",
            "Set pg_migrate_proof: verified_copy, or leave pg_migrate_keep_copy_for out.",
        )
        return
    yield Problem(
        "retained_copy",
        "info",
        f"The verified copy keeps about {size(facts.database_bytes)} of {facts.data_filesystem.path} for "
        f"{duration(facts.keep_copy_seconds)} after a good verdict.",
        "The next run, or pgsafe.migration.prune, drops it when its time is over.",
    )
