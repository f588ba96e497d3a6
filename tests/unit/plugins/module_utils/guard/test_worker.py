# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The worker of a guard, which goes on asking it to end for as long as it is there."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import worker
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import Order
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Of a job that needs no server to come to its end."""
    Channel(tmp_path / "job_1").open()
    request = requests.recover(Target({}, "app"), tmp_path)
    found = Order("recover", request, str(tmp_path), str(tmp_path / "job_1"), lease=30.0)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(found.packed())))
    monkeypatch.setattr(registry, "run", lambda *_given: {"failed": False, "verdict": "rolled_back"})
    return found


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """The signals that would have ended the worker."""
    found: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


def test_a_worker_that_is_asked_to_end_once_more_still_says_what_it_has_come_to(
    order: Order, ended: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Channel.finish

    def asked_meanwhile(channel: Channel, result: dict[str, object]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        finish(channel, result)

    monkeypatch.setattr(Channel, "finish", asked_meanwhile)
    assert worker.main([]) == 0
    result = order.channel.result()
    assert result is not None
    assert (result["failed"], result["verdict"]) == (False, "refused")
    assert ended == []
