# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes a superuser to restore."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import restorable
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Extension
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

WANTED = replace(
    FACTS.wanted, event_triggers=("watching",), publications=("everything",), extensions={"x": "1", "plpgsql": "1.0"}
)
THERE = {"x": Extension(("1",), frozenset()), "plpgsql": Extension(("1.0",), frozenset())}


def test_each_is_an_error_for_whoever_is_none() -> None:
    found = list(restorable.check(replace(FACTS, wanted=WANTED, extensions=THERE)))
    assert [problem.severity for problem in found] == ["error"] * 3
    assert [name in problem.what for name, problem in zip(("watching", "everything", "x 1"), found)] == [True] * 3


def test_a_role_that_may_be_an_owner_is_a_warning_where_owners_are_not_known() -> None:
    (problem,) = restorable.check(replace(FACTS, present_roles=("app", "other")))
    assert (problem.severity, problem.remedy) == ("warning", 'GRANT "other" TO "app"')


def test_an_owner_that_the_role_cannot_restore_is_an_error_and_one_that_was_only_granted_something_is_none() -> None:
    wanted = replace(FACTS.wanted, owners=("app", "other"))
    facts = replace(FACTS, present_roles=("app", "other", "reader"), wanted=wanted)
    (problem,) = restorable.check(facts)
    assert (problem.severity, problem.remedy) == ("error", 'GRANT "other" TO "app"')
    (powerful,) = restorable.check(replace(facts, powerful_roles=("other",)))
    assert "GRANT" not in powerful.remedy
    assert 'ALTER … OWNER TO "app"' in powerful.remedy


def test_a_superuser_restores_everything() -> None:
    role = replace(FACTS.role, superuser=True)
    assert list(restorable.check(replace(FACTS, wanted=WANTED, extensions=THERE, role=role))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(restorable.check(FACTS)) == []
