# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of the collection's playbooks, as remedies name them."""

from __future__ import annotations

import json

# Stands for a reason that a person gives.
WHY = "WHY"


def command(name: str, **variables: str) -> str:
    """``ansible-playbook … pgsafe.migration.NAME -e VARIABLE=VALUE``, for one host of an inventory.

    A reason is written as JSON, so that it may have spaces.
    """
    given = [_reason(key) if value == WHY else f"-e {key}={value}" for key, value in variables.items()]
    return " ".join([f"ansible-playbook -i INVENTORY -l HOST pgsafe.migration.{name}", *given])


def _reason(key: str) -> str:
    return f"-e '{json.dumps({key: WHY})}'"


def recovering(run_id: str) -> str:
    """Finish or undo a run now."""
    return command("recover", pg_migrate_run_id=run_id)


def deciding(run_id: str, decision: str) -> str:
    """Decide what becomes of a run, with the reason for it."""
    return command("recover", pg_migrate_run_id=run_id, pg_migrate_decision=decision, pg_migrate_reason=WHY)


def rolling_back(backup_dir: str) -> str:
    """Roll a database back to a backup."""
    return command("rollback", pg_migrate_backup_dir=backup_dir)
