# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages of checks and rules say what the code says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rules_page
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.registry import RULES
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import registry, run
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION


def test_no_page_is_stale() -> None:
    assert rules_page.stale(COLLECTION) == [], "run: make docs"


def test_every_check_has_its_line_with_its_scopes_and_severities() -> None:
    table = rules_page.preflight(COLLECTION).splitlines()[2:]
    assert [line.split("`")[1] for line in table] == [run.name_of(listed.check) for listed in registry.CHECKS]
    for line, listed in zip(table, registry.CHECKS):
        _name, severities, scopes, text = line.removeprefix("| ").removesuffix(" |").split(" | ")
        assert set(severities.split(", ")) <= set(rules_page.SEVERITIES)
        assert tuple(scopes.split(", ")) == listed.scopes
        assert text[-1] in ".!?"


def test_every_rule_of_the_audit_has_its_line() -> None:
    table = rules_page.audit(COLLECTION).splitlines()[2:]
    assert [line.split("`")[1] for line in table] == [rule.name for rule in RULES]
    assert [line.split(" | ")[1] for line in table] == [rule.severity for rule in RULES]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that pages are made of, for a test to change."""
    for part in ("docs", "plugins", "tests/unit/plugins"):
        shutil.copytree(COLLECTION / part, tmp_path / part)
    shutil.copy(COLLECTION / "ARCHITECTURE.md", tmp_path)
    return tmp_path


def test_a_docstring_that_is_changed_makes_its_page_stale(copy: Path) -> None:
    standby = copy / rules_page.UTILS / "preflight" / "checks" / "standby.py"
    text = standby.read_text(encoding="utf-8")
    assert rules_page.stale(copy) == []
    standby.write_text(text.replace("A standby is read-only", "A standby is read only"), encoding="utf-8")
    assert rules_page.stale(copy) == ["docs/preflight.md", "docs/restore.md"]
    assert "A standby is read only" in rules_page.rendered(copy, "docs/preflight.md")


def test_what_stands_outside_of_the_marks_is_kept(copy: Path) -> None:
    page = copy / "docs" / "audit.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nBy hand.\n", encoding="utf-8")
    assert rules_page.stale(copy) == []
    page.write_text("No mark.\n", encoding="utf-8")
    with pytest.raises(rules_page.PageError, match=r"docs/audit\.md lacks a line"):
        rules_page.stale(copy)


def test_a_sentence_ends_at_its_end_and_not_in_a_name() -> None:
    assert rules_page.sentence("pg_hba.conf and\n.pgpass. See there.") == "pg_hba.conf and .pgpass."
    assert rules_page.sentence("Without an end") == "Without an end"
