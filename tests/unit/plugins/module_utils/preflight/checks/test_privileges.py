# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback needs the role to be allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import privileges
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize(
    ("lacking", "remedy"),
    [("createdb", "CREATEDB"), ("owns_database", "OWNER TO"), ("may_signal", "pg_signal_backend")],
)
def test_each_privilege_that_is_lacking_is_an_error_with_its_grant(lacking: str, remedy: str) -> None:
    (problem,) = privileges.check(replace(FACTS, role=replace(FACTS.role, **{lacking: False})))  # type: ignore[arg-type]  # flags all
    assert problem.severity == "error"
    assert remedy in problem.remedy


def test_a_session_that_the_role_cannot_end_is_an_error() -> None:
    (problem,) = privileges.check(replace(FACTS, superusers_sessions=("pid 42 of postgres",)))
    assert (problem.severity, "pid 42 of postgres" in problem.what) == ("error", True)


def test_a_superuser_needs_none() -> None:
    role = replace(FACTS.role, superuser=True, createdb=False, owns_database=False, may_signal=False)
    assert list(privileges.check(replace(FACTS, role=role))) == []


def test_where_nothing_is_replaced_it_takes_no_more_than_to_make_a_database() -> None:
    role = replace(FACTS.role, createdb=False, owns_database=False, may_signal=False)
    (problem,) = privileges.check(replace(FACTS, database="", role=role))
    assert problem.remedy == 'ALTER ROLE "app" CREATEDB'


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(privileges.check(FACTS)) == []
