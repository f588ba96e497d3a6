# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functions of roles that are not trusted stop a run."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import OwnerCode
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import owner_code
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_functions_of_other_roles_are_an_error_that_names_them_and_the_rights_they_get() -> None:
    code = tuple(OwnerCode(f"public.f{number}", "mallory", "constraint c on table t") for number in range(7))
    role = replace(FACTS.role, superuser=True)
    (problem,) = owner_code.check(replace(FACTS, owner_code=code, role=role))
    assert problem.severity == "error"
    assert "as the superuser app: public.f0 of mallory (constraint c on table t)" in problem.what
    assert problem.what.endswith("and 2 more.")
    assert "pg_migrate_connection.trust_owner: true" in problem.remedy


def test_it_is_silent_without_such_functions() -> None:
    assert list(owner_code.check(FACTS)) == []
