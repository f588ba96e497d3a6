# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A standby: it can be read only, so nothing can be migrated there, and nothing is begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.tests.server.backup_support import refused, request
from ansible_collections.pgsafe.migration.tests.server.standbys import standby_of
from ansible_collections.pgsafe.migration.tests.server.support import Database, everything, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver


@pytest.fixture
def standby(server: pgserver.Server, database: Database) -> Iterator[Database]:
    """The test's database on a streaming standby of its server."""
    with standby_of(server) as follower:
        yield Database(follower, database.name)


@pytest.mark.fault(25)
def test_a_standby_is_refused(server: pgserver.Server, standby: Database, backup_root: Path) -> None:
    streaming = "SELECT count(sender_host) FROM pg_stat_wal_receiver"
    until(lambda: standby.sql(streaming) == "1", "the standby streams")
    found = preflight.run(requests.preflight(standby.target, backup_root))
    (problem,) = [problem for problem in found.errors if problem.check == "standby"]
    assert problem.what.startswith("The server is a standby, which is read-only. It follows ")
    assert str(server.port) in problem.what
    assert "Connect to the primary" in problem.remedy
    failure = refused(request(standby, backup_root))
    assert isinstance(failure, Refused)
    assert "standby" in failure.what
    assert everything(backup_root) == []
