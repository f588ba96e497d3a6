# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's variables are those of its modules: their types, their choices and their defaults."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import (
    pg_backup,
    pg_backup_verify,
    pg_batch_rollback,
    pg_fence,
    pg_migration_apply,
)
from ansible_collections.pgsafe.migration.plugins.modules import pg_audit_info, pg_backup_prune, pg_preflight_facts
from ansible_collections.pgsafe.migration.plugins.plugin_utils.role_variables import ROLE


def _yaml(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


ENTRIES = {name: entry["options"] for name, entry in _yaml("meta/argument_specs.yml")["argument_specs"].items()}
KEYS = {name: option["options"] for name, option in ENTRIES["main"].items() if "options" in option}
ASSERTION = KEYS["pg_migrate_verification"]["assertions"]["options"]
RULE = KEYS["pg_migrate_audit"]["rules"]["options"]

# The keys that no module has: the role and the callback read them.
OF_THE_ROLE = {"pg_migrate_audit": {"rules_dir"}, "pg_migrate_retention": {"prune"}}
OF_MODULES = {
    name: {key: option for key, option in options.items() if key not in OF_THE_ROLE.get(name, ())}
    for name, options in {**KEYS, "assertions": ASSERTION, "rules": RULE}.items()
    if name != "pg_migrate_report"
}

# By the dictionary, the modules that take its keys, and the keys that are named otherwise there.
TAKEN: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "pg_migrate_connection": (arguments.CONNECTION, {}),
    "pg_migrate_command": (
        pg_migration_apply.SPEC,
        {"argv": "command", "tree": "command_tree", "pending": "pending_command"},
    ),
    "pg_migrate_limits": (pg_migration_apply.SPEC, {}),
    "pg_migrate_guard": ({**pg_fence.SPEC, **pg_backup.SPEC}, {}),
    "pg_migrate_instance": (pg_backup_verify.SPEC, {"directory": "instance_directory", "user": "instance_user"}),
    "pg_migrate_history": (pg_migration_apply.SPEC, {}),
    "pg_migrate_verification": (pg_migration_apply.SPEC, {}),
    "pg_migrate_hooks": (pg_fence.SPEC, {"before_fence": "before", "after_opening": "after"}),
    "pg_migrate_backup": (pg_backup.SPEC, {}),
    "pg_migrate_audit": (pg_audit_info.SPEC, {"blocks": "fail"}),
    "pg_migrate_thresholds": (pg_preflight_facts.SPEC, {}),
    "pg_migrate_budgets": (
        {**pg_audit_info.SPEC, **pg_backup.SPEC},
        {"fingerprint": "fingerprint_budget", "audit": "budget", "audit_rule": "rule_budget"},
    ),
    "pg_migrate_waive": (
        {**pg_preflight_facts.SPEC, **pg_fence.SPEC},
        {"checks": "waive", "audit": "waive", "fence": "reason"},
    ),
    "pg_migrate_retention": (pg_backup_prune.SPEC, {}),
    "pg_migrate_copy_to": (arguments.COPY_TO["copy_to"]["options"], {}),
    "pg_migrate_batch_rollback": (pg_batch_rollback.SPEC, {}),
    "pg_migrate_promotion": (arguments.PROMOTION["promotion"]["options"], {}),
    "assertions": (arguments.VERIFICATION["assertions"]["options"], {}),
    "rules": (pg_audit_info.RULE, {}),
}


@pytest.mark.parametrize("entry", ["main", "manual_rollback"])
def test_the_role_s_specification_and_its_defaults_agree(entry: str) -> None:
    specified = {name: option["default"] for name, option in ENTRIES[entry].items() if "default" in option}
    defaults = _yaml("defaults/main.yml")
    assert specified == {name: defaults[name] for name in specified}
    if entry == "main":
        assert specified == defaults


@pytest.mark.parametrize(
    "entry",
    sorted(name for name in ENTRIES if name.startswith("manual_") and set(ENTRIES[name]) & set(KEYS)),
)
def test_a_variable_of_two_entry_points_is_described_alike(entry: str) -> None:
    """One inventory serves all playbooks, so that none may refuse a key that another one takes."""
    apart = {"pg_migrate_jobs", "pg_migrate_backup_root"}
    shared = set(ENTRIES["main"]) & set(ENTRIES[entry]) - apart
    assert len(shared) > 1
    assert {name: ENTRIES[entry][name] for name in shared} == {name: ENTRIES["main"][name] for name in shared}


def test_the_connection_has_every_option_of_a_connection() -> None:
    assert set(KEYS["pg_migrate_connection"]) == set(arguments.CONNECTION) - {"login_db"}


@pytest.mark.parametrize("dictionary", OF_MODULES)
def test_a_key_of_a_dictionary_is_an_option_of_a_module(dictionary: str) -> None:
    options, otherwise = TAKEN[dictionary]
    for key, described in OF_MODULES[dictionary].items():
        option = options[otherwise.get(key, key)]
        for what in ("type", "elements", "choices", "no_log"):
            assert described.get(what) == option.get(what), (key, what)


@pytest.mark.parametrize("dictionary", OF_MODULES)
def test_a_key_that_is_left_out_has_the_default_of_the_module(dictionary: str) -> None:
    options, otherwise = TAKEN[dictionary]
    described = {key: option.get("default") for key, option in OF_MODULES[dictionary].items()}
    taken = {key: options[otherwise.get(key, key)].get("default") for key in described}
    if dictionary == "pg_migrate_guard":
        # A whole batch may wait for a person.
        waits = described["idle_timeout"]
        assert f"pg_migrate_guard.idle_timeout | default({waits})" in (ROLE / "tasks" / "fence.yml").read_text("utf-8")
        taken["idle_timeout"] = waits
    assert described == taken


def test_every_key_of_a_dictionary_is_used() -> None:
    used = "".join(path.read_text("utf-8") for place in ("tasks", "vars") for path in (ROLE / place).glob("*.yml"))
    whole = {"pg_migrate_connection", "pg_migrate_promotion", "pg_migrate_copy_to", "pg_migrate_report"}
    for dictionary in set(KEYS) - whole:
        name = dictionary.replace("pg_migrate_command", "pg_migrate_command_options")
        assert [key for key in KEYS[dictionary] if f"{name}.{key}" not in used] == []
