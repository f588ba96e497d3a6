# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The job of a guard, with workers that die without a word; what they leave of a database is tested on servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import Order
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.supervised_job import SupervisedJob
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

DYING = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
KILLED = "The process of the migration was ended by signal 9."


@pytest.fixture
def order(tmp_path: Path) -> Order:
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    request = requests.recover(Target({}, "app"), tmp_path)
    found = Order("migrate", request, str(tmp_path), str(tmp_path / "job_1"), lease=30.0, script=str(script))
    found.channel.open()
    return found


def test_a_verdict_is_told_though_the_worker_died_before_it_could_tell_it(order: Order, tmp_path: Path) -> None:
    for event in (Event.ARMED, Event.ROLLING_BACK):
        Journal(tmp_path).append(event)
    Journal(tmp_path).append(Event.ACCEPTED, verdict="rolled_back")
    Journal(tmp_path).append(Event.ROLLED_BACK)
    SupervisedJob(order, lambda: None).run()
    result = Channel(tmp_path / "job_1").result()
    assert result is not None
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert result["msg"] == f"{KILLED} The run had come to its end: rolled back."


def test_a_migration_that_was_not_begun_is_refused(order: Order, tmp_path: Path) -> None:
    Journal(tmp_path).append(Event.VERIFIED)
    SupervisedJob(order, lambda: None).run()
    found = {"access": "open", "access_told": "", "not_given_back": []}
    stands = {"window": "never", "verdict": "refused", **found}
    assert Channel(tmp_path / "job_1").result() == {"failed": True, "msg": KILLED, "what_failed": KILLED, **stands}
