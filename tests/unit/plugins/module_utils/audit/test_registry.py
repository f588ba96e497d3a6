# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules are listed all, and each can be told."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import SEVERITIES
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.registry import RULES
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.rule import CATALOG, DATA, Rule

FRAME = {"__init__", "finding", "looking", "looks", "own_rule", "registry", "report", "rule", "run"}


def test_every_rule_of_the_directory_is_listed_once() -> None:
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")}
    assert sorted(rule.name for rule in RULES) == sorted(files - FRAME)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_tells_its_object_its_severity_and_what_to_do(rule: Rule) -> None:
    assert rule.severity in SEVERITIES
    assert rule.scope in {CATALOG, DATA}
    assert 'odd {0} "name"' in rule.what.format('odd {0} "name"', "b", "c", count=3)
    assert rule.remedy.format("x", "b", "c", count=3)
    assert rule.query.lstrip().startswith(("SELECT", "WITH"))
    # read by psycopg2 without parameters, where a percent sign is itself
    assert "%%" not in rule.query


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_s_file_begins_with_a_line_for_the_user_s_guide_and_names_its_source(rule: Rule) -> None:
    module = importlib.import_module(f"{registry.__name__.rpartition('.')[0]}.{rule.name}")
    first = (module.__doc__ or "").splitlines()[0]
    assert first.endswith(".")
    assert len(first) > 40
    assert "https://" in (module.__doc__ or "")
