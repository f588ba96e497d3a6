# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of an audit goes through Ansible and comes back whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import AuditReport, RuleReading, of_result
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest

FOUND = Finding("orphans", "warning", "public.t constraint f", "what", "remedy", 3, ("1", "a…(4)"), "known")
REPORT = AuditReport(
    time="2026-11-16T14:30:22Z",
    database="app",
    rows={"public.t": 3},
    findings=(FOUND,),
    rules={"orphans": RuleReading(1.5, complete=True)},
)


def test_what_json_gives_back_is_equal() -> None:
    assert of_result(json.loads(json.dumps(REPORT.as_result()))) == REPORT


def test_the_role_adds_the_waived_problems_of_the_preflight() -> None:
    assert of_result({**REPORT.as_result(), "waived": ["disk_space: known"]}) == replace(
        REPORT, waived=("disk_space: known",)
    )


@pytest.mark.parametrize(
    "given",
    [
        {"database": "app"},
        {**REPORT.as_result(), "rules": {"orphans": 1.5}},
        {**REPORT.as_result(), "findings": [{"rule": "orphans"}]},
        {**REPORT.as_result(), "findings": ["orphans"]},
        {**REPORT.as_result(), "rules": []},
        {**REPORT.as_result(), "author": "x"},
    ],
)
def test_something_else_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="is not the result of an audit"):
        of_result(given)
