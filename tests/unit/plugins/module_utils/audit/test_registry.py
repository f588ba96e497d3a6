# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules are listed all, and each can be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.registry import RULES
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.rule import Rule
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import Audit, Finding


def test_every_rule_of_the_directory_is_listed_once() -> None:
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")}
    assert sorted(rule.name for rule in RULES) == sorted(files - {"__init__", "registry", "rule", "run"})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_tells_its_object_its_severity_and_what_to_do(rule: Rule) -> None:
    assert rule.severity in {"error", "warning", "info"}
    assert 'odd {0} "name"' in rule.what.format('odd {0} "name"')
    assert rule.remedy.format("x")
    assert rule.query.lstrip().startswith("SELECT")
    # read by psycopg2 without parameters, where a percent sign is itself
    assert "%%" not in rule.query


def test_a_finding_is_told_from_another_by_its_rule_and_object() -> None:
    assert Finding("invalid_indexes", "warning", "public.x", "what", "remedy").key == "invalid_indexes public.x"


def test_the_report_holds_what_was_found_as_plain_values() -> None:
    found = Audit("app", {"public.t": 3}, (Finding("r", "warning", "s", "what", "remedy"),)).as_report()
    assert (found["database"], found["rows"]) == ("app", {"public.t": 3})
    assert found["findings"] == [
        {"rule": "r", "severity": "warning", "subject": "s", "what": "what", "remedy": "remedy", "count": 1}
    ]
