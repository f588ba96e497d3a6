# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file of a set is compared with all that were applied before, by name and by content."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import AppliedFile
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import applied_before

APPLIED = [AppliedFile("1.sql", "a" * 64, "20260101_000000"), AppliedFile("1.sql", "b" * 64, "20260201_000000")]


def test_new_files_pass() -> None:
    applied_before.require_none(APPLIED, {"2.sql": "c" * 64}, {})
    applied_before.require_none([], {"1.sql": "a" * 64}, {})


@pytest.mark.parametrize(
    ("sums", "told"),
    [
        ({"1.sql": "b" * 64}, "1.sql was applied by the run 20260201_000000"),
        ({"1.sql": "a" * 64}, "1.sql has changed since the run 20260201_000000"),
        ({"9.sql": "a" * 64}, "9.sql was applied as 1.sql by the run 20260101_000000"),
    ],
)
def test_a_file_that_was_applied_is_refused_unless_there_is_a_reason(sums: dict[str, str], told: str) -> None:
    with pytest.raises(Refused, match=told):
        applied_before.require_none(APPLIED, sums, {})
    applied_before.require_none(APPLIED, sums, dict.fromkeys(sums, "why"))


@pytest.mark.parametrize("again", [{"1.sql": ""}, {"other.sql": "why"}])
def test_a_reason_names_a_file_of_the_set(again: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match="pg_migrate_apply_again"):
        applied_before.require_none(APPLIED, {"1.sql": "b" * 64}, again)
