# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verification of a migration. A tick only for what was done."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.console import verification as console
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.expectations import TableChange
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    NOTHING_FOUND,
)


def test_a_verification_by_itself_counts_and_tells_what_fails() -> None:
    found = replace(
        NOTHING_FOUND,
        tables=(TableChange("public.a", 1, 1, "", "same"), TableChange("public.b", 1, 0, "", "LOST 1")),
        checked=(Checked("one", True, ""), Checked("other", False, "3 rows exist that must not")),
        problems=("It is gone.",),
        warnings=("It was slow.",),
    )
    assert console.verification(found) == [
        "[✗] Verification: 2 tables, 1 of 2 assertions hold",
        "[✗] It is gone.",
        "[warning] It was slow.",
    ]
    assert console.verification(replace(found, problems=(), warnings=())) == [
        "[✓] Verification: 2 tables, 1 of 2 assertions hold",
    ]
