# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One list of verdicts: the role, which cannot import it, has the same words."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import verdicts
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.modules import pg_guard, pg_migration_apply
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

ROLE = COLLECTION / "roles" / "pg_migrate"


def test_the_gate_of_the_role_lets_pass_what_ended_well_and_nothing_else() -> None:
    rule = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["pg_migrate_good_ends"]
    always, in_check_mode = (set(re.findall(r"'(\w+)'", part)) for part in rule.split("+"))
    assert always == set(verdicts.WELL)
    assert always | in_check_mode == set(verdicts.WELL_IN_CHECK_MODE)


def test_the_role_sets_no_verdict_that_ends_well_by_itself() -> None:
    good = {f"'{word}'" for word in verdicts.WELL_IN_CHECK_MODE}
    for path in (ROLE / "tasks").glob("*.yml"):
        for line in re.findall(r"pg_migrate_verdict: .*(?:\n {6}.*)*", path.read_text(encoding="utf-8")):
            said = set(re.findall(r"'\w+'", line)) | {f"'{line.split(':')[1].strip()}'"}
            assert not said & good, (path.name, line)


def test_every_verdict_has_a_text_and_the_documentation_knows_it() -> None:
    assert all(verdict.text for verdict in Verdict)
    elsewhere = {"resolved", "as_backup", "restored", "unreachable", "not_reached", "finished", "failed"}
    elsewhere.add("rolled_back_with_batch")
    for module in (pg_migration_apply, pg_guard):
        assert set(yaml.safe_load(module.RETURN)["verdict"]["choices"]) == {*Verdict} - elsewhere


@pytest.mark.parametrize("word", ["", "armed", "MIGRATED", "migrated "])
def test_a_word_that_no_module_says_is_unknown(word: str) -> None:
    assert verdicts.of_word(word) is Verdict.UNKNOWN
