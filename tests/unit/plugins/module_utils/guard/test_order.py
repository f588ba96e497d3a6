# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guard reads is what the module ordered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import AuditReport, RuleReading
from ansible_collections.pgsafe.migration.plugins.module_utils.codec import encoded
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import order as orders
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import received
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import Order
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import (
    pg_backup,
    pg_backup_verify,
    pg_guard,
    pg_migration_apply,
    pg_recover,
    pg_restore_safe,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.permit import Permit, Proven
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import Step
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import RecoverRequest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters

AUDIT = AuditReport(
    time="2026-11-16T14:30:22Z",
    database="app",
    rows={"public.t": 3},
    findings=(Finding("orphans", "warning", "public.t constraint f", "what", "remedy", 3, ("1", "a…(4)")),),
    rules={"orphans": RuleReading(1.5, complete=True)},
)
VERIFICATION: dict[str, Any] = {
    "expectations": {"a": "same", "b": {"may_shrink_to": 3}, "c": {"moved_to": "d"}},
    "assertions": [
        {"name": "one", "sql": "SELECT 1", "expected": 1},
        {"name": "none", "rows_that_must_not_exist": "TABLE a"},
    ],
    "declared": ["table a"],
}
PERMIT = Permit(("staging",), (Proven("staging", Step("1.sql", "ab", (("x.inc", "cd"),)), "run r"),), "an outage")
GIVEN: list[tuple[str, ModuleType, dict[str, Any]]] = [
    ("backup", pg_backup, {"backup_root": "/b", "audit": AUDIT.as_result()}),
    ("verify", pg_backup_verify, {"backup_dir": "/b", "instance_directory": "/i"}),
    ("migrate", pg_migration_apply, {"command": ["a"], "environment": {"B": "c"}, **VERIFICATION}),
    ("migrate", pg_guard, {"tasks": "- debug:", "permit": encoded(PERMIT), **VERIFICATION}),
    ("recover", pg_recover, {"backup_root": "/b", "run_id": "r", "decision": "accept", "reason": "it is right"}),
    ("restore", pg_restore_safe, {"backup_dir": "/b", "waive": {"server_version": "seen"}, "free_bytes": 7}),
]


def _order(job: str, module: ModuleType, given: dict[str, Any]) -> Order:
    params = parameters(module, login_db="app", login_password="s3cret", session_role="owner", **given)
    return Order(job, module.request(params), "/b/.runs/r", "/b/.runs/r/job_1", 30.0)


@pytest.mark.parametrize(("job", "module", "given"), GIVEN)
def test_an_order_is_read_as_it_was_written(job: str, module: ModuleType, given: dict[str, Any]) -> None:
    order = _order(job, module, given)
    assert received.order(order.packed()) == order


def test_every_job_is_ordered_here() -> None:
    assert {job for job, _module, _given in GIVEN} == set(registry.JOBS)


@pytest.mark.parametrize(("job", "module", "given"), GIVEN)
def test_the_order_to_recover_is_of_the_run_and_the_connection_of_the_job(
    job: str, module: ModuleType, given: dict[str, Any]
) -> None:
    order = _order(job, module, given)
    found = order.recovering()
    assert isinstance(found.request, RecoverRequest)
    assert (found.job, found.request.target) == ("recover", order.request.target)
    assert (found.request.backup_root, found.request.run_id) == (Path("/b"), "r")


def test_the_way_to_a_database_is_kept_without_its_password() -> None:
    target = Target({"host": "db", "password": "s3cret"}, "app", session_role="owner")
    text = orders.packed_way(target)
    assert "s3cret" not in text
    assert received.way(text) == Target({"host": "db"}, "app", session_role="owner")


def test_a_guard_that_a_job_has_started_watches_its_run_by_the_lease_of_the_run(tmp_path: Path) -> None:
    run_journal = Journal(tmp_path / ".runs" / "r")
    run_journal.put_back("")
    run_journal.append(Event.FENCING, database="app", idle_timeout=1200.0, lease=30.0)
    given = replace(_order(*GIVEN[0]), run_directory=str(run_journal.directory), lease=5.0)
    assert (given.idle.job, given.idle.lease, given.idle.channel.directory) == ("", 30.0, run_journal.directory)
