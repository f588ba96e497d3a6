# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's failure tells what no backup restores with, and its result all that was found."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import Audit
from ansible_collections.pgsafe.migration.plugins.modules.pg_audit_info import AuditFailed


def failed(count: int) -> AuditFailed:
    errors = tuple(Finding("orphans", "error", f"t{number}", f"Orphans {number}.", "Mend.") for number in range(count))
    waived = Finding("orphans", "error", "w", "Orphans that are known.", "Mend.", waived="known")
    found = Audit("app", {}, (*errors, waived))
    return AuditFailed(found, {"audit": found.report.as_result()})


def test_errors_are_numbered_and_what_is_waived_is_in_the_result_alone() -> None:
    error = failed(2)
    assert error.what == "The audit of app found 2 errors:\n  1. Orphans 0. Mend.\n  2. Orphans 1. Mend."
    remedy = "Fix the data, or accept a finding: pg_migrate_waive.audit: {RULE: reason}."
    assert str(error).endswith(f"Nothing was changed.\n{remedy}")
    findings = error.facts()["audit"]["findings"]
    assert [finding["waived"] for finding in findings] == ["", "", "known"]


def test_a_single_error_is_told_in_the_singular_and_of_very_many_the_first() -> None:
    assert failed(1).what.startswith("The audit of app found 1 error:\n")
    assert failed(25).what.endswith("\n  20. Orphans 19. Mend.\n  ... and 5 more")
