# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of the sessions with a worker's mark, those that began before the request to end, however slow the server is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.termination import Termination
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import queries
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

TOKEN = "#0123456789ab"
# The server is slow before it reads its clock, or its answer is slow afterwards.
SLOW = {
    "before": "SELECT clock_timestamp() FROM pg_sleep(2)",
    "after": "WITH now AS MATERIALIZED (SELECT clock_timestamp() AS it) SELECT it FROM now, pg_sleep(2)",
}


@contextlib.contextmanager
def marked(database: Database, name: str) -> Iterator[None]:
    """A session with the mark of the worker."""
    made = database.connect(f"pgsafe {name} {TOKEN}")
    try:
        yield
    finally:
        made.close()


def sessions(database: Database) -> list[str]:
    named = "SELECT split_part(application_name, ' ', 2) FROM pg_stat_activity"
    return database.admin(f"{named} WHERE application_name LIKE '% {TOKEN}' ORDER BY 1").split()


@pytest.mark.fault(61)
@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_what_connects_after_the_request_is_spared_however_slow_the_server_is(
    database: Database, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    quick = queries.CLOCK
    with marked(database, "worker"):
        termination = Termination(database.target, TOKEN)
        with marked(database, "undo"):
            monkeypatch.setattr(queries, "CLOCK", slow)
            termination.repeat(spare=True)
            assert sessions(database) == ["undo", "worker"]
            termination.repeat()
            monkeypatch.setattr(queries, "CLOCK", quick)
            termination.repeat()
            until(lambda: sessions(database) == ["undo"], "the session of the worker is terminated")
            termination.repeat()
            assert sessions(database) == ["undo"]
