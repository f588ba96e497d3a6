# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable that begins like one of the role's and is none is named, with the one that was meant."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import role_variables
from ansible_collections.pgsafe.migration.plugins.plugin_utils.role_variables import ROLE, unknown


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pg_migrate_confrim", "pg_migrate_confirm"),
        ("pg_migrate_assertions", "pg_migrate_verification.assertions"),
        ("pg_migrate_sources", "pg_migrate_source"),
        ("pg_migrate_login_host", "pg_migrate_connection.login_host"),
        ("pg_migrate_bindir", "pg_migrate_connection.bin_dir"),
        ("pg_migrate_chdir", "pg_migrate_command.chdir"),
        ("pg_migrate_compress_level", "pg_migrate_backup.compress_level"),
        ("pg_migrate_audit_waive", "pg_migrate_waive.audit"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(name: str, meant: str) -> None:
    assert unknown([name]) == [f"There is no variable {name}. Did you mean {meant}?"]


def test_a_variable_that_is_like_no_other_is_named_alone() -> None:
    assert unknown(["pg_migrate_xyzzy_qqq"]) == ["There is no variable pg_migrate_xyzzy_qqq."]


def test_variables_of_others_and_those_of_the_role_are_none_of_them() -> None:
    known = role_variables.settable() | role_variables.internal()
    assert unknown([*known, "pg_migrated", "app_pg_migrate_x", "ansible_host"]) == []


def test_what_the_role_sets_itself_is_never_what_a_user_sets() -> None:
    assert role_variables.settable() & role_variables.internal() == set()


def test_every_variable_that_the_role_s_files_use_is_known() -> None:
    used = {
        name
        for path in [*ROLE.rglob("*.yml"), *ROLE.parents[1].glob("playbooks/*.yml")]
        for name in re.findall(r"pg_migrate_\w+", path.read_text(encoding="utf-8"))
    }
    assert len(used) > 80
    assert unknown(used) == []
