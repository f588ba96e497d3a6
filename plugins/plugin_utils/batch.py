# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of the current batch, as far as they have come: facts that the role sets, by host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils.journal import verdicts
from ..module_utils.journal.verdicts import Verdict

Facts = Mapping[str, Mapping[str, Any]]


def hosts(task: Any, task_vars: Mapping[str, Any]) -> list[str]:
    """All of the batch; ``ansible_play_batch`` lacks those that failed or cannot be reached."""
    restricted = {host.get_name() for host in task.get_variable_manager()._inventory.get_hosts()}
    return [host for host in task_vars["ansible_play_hosts_all"] if host in restricted]


def not_ready(batch: Sequence[str], facts: Facts) -> list[str]:
    """Before the migration: the hosts that have not come as far as all tasks before it."""
    return [host for host in batch if not facts[host].get("pg_migrate_ready")]


def failed(batch: Sequence[str], facts: Facts) -> list[str]:
    """After the verdicts of the batch: the hosts that did not end well, each with its verdict."""
    ends = {host: _verdict(facts[host].get("pg_migrate_verdict")) for host in batch}
    return [f"{host} ({verdict.value.replace('_', ' ')})" for host, verdict in ends.items() if verdict not in _GOOD]


_GOOD = (*verdicts.WELL, Verdict.ROLLED_BACK_WITH_BATCH)


def _verdict(word: Any) -> Verdict:
    """A host without the fact has not begun."""
    return verdicts.of_word(str(word).strip()) if word else Verdict.NOT_REACHED
