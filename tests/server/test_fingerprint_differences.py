# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a migration changes is found and named; what it leaves alone is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog.queries import KINDS
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import QueryFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.model import SOURCE, Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, Session, session
from ansible_collections.pgsafe.migration.tests.server.fingerprint_cases import BEFORE, CHANGES, Change
from ansible_collections.pgsafe.migration.tests.server.support import Database

import pgserver


@pytest.fixture(scope="session")
def empty(server: pgserver.Server) -> Iterator[Database]:
    """A database in which every test begins a transaction and rolls it back."""
    server.psql("CREATE DATABASE differences TEMPLATE template0")
    yield Database(server, "differences")
    server.psql("DROP DATABASE differences WITH (FORCE)")


@pytest.fixture
def writer(empty: Database) -> Iterator[Session]:
    with session(empty.target, WRITING) as opened:
        opened.execute("BEGIN")
        run(opened, BEFORE)
        yield opened
        opened.execute("ROLLBACK")


def run(writer: Session, text: str) -> None:
    if text:
        writer.execute(f"SET LOCAL search_path = public; {text}; SET LOCAL search_path = ''")


def around(writer: Session, change: str) -> tuple[Fingerprint, Fingerprint]:
    """The fingerprints before and after a change, both of the database itself."""
    before = fingerprint.take(writer, SOURCE)
    run(writer, change)
    return before, fingerprint.take(writer, SOURCE)


@pytest.mark.every_major
@pytest.mark.parametrize("case", CHANGES, ids=lambda case: f"{case.kind}: {case.change[:60]}")
def test_a_change_is_found_and_named(writer: Session, case: Change) -> None:
    if writer.version < case.since * 10000:
        with pytest.raises(QueryFailed, match="syntax error"):
            run(writer, f"{case.setup}; {case.change}")
        return
    run(writer, case.setup)
    before, after = around(writer, case.change)
    lines = fingerprint.differences(before, after)
    assert any(line.startswith(case.told) for line in lines), "\n".join(lines)
    assert fingerprint.differences(before, before) == ()


def test_every_kind_of_object_has_a_change_that_is_found() -> None:
    assert {case.kind for case in CHANGES} == {*KINDS, "content"}
