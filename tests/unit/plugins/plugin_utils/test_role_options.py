# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of modules as variables of the role."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils.role_options import named


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (
            "Check login_user and login_password (or the pgpass file).",
            ["pg_migrate_connection.login_user", "pg_migrate_connection.login_password"],
        ),
        ("Give login_db, or login_url with a database.", ["pg_migrate_db", "pg_migrate_connection.login_url"]),
        ("Name a directory in bin_dir, not in BIN_DIR or my_bin_dir.", ["pg_migrate_connection.bin_dir"]),
        ("Choose proof: scratch; the proof and its level say so.", ["pg_migrate_proof"]),
        (
            "Name another instance_directory, or user: postgres, or a command_tree.",
            ["pg_migrate_instance.directory", "pg_migrate_command.tree"],
        ),
        ("Give the audit more time (rule_budget, budget).", ["pg_migrate_budgets.audit_rule"]),
        ("Set pg_migrate_waive.fence, max_connections or become: true.", []),
    ],
)
def test_a_remedy_that_names_options_names_variables_too(text: str, variables: list[str]) -> None:
    assert named(text) == variables
