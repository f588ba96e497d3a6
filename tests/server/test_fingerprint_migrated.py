# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a migration can make comes back equal from a dump, and the same from a second one.

One change of each kind of object is tried here, and every one of them in tests/exhaustive.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, new_roles
from ansible_collections.pgsafe.migration.tests.server.fingerprint_cases import BEFORE, CHANGES, Change
from ansible_collections.pgsafe.migration.tests.server.fingerprint_support import Clone, require_stable
from ansible_collections.pgsafe.migration.tests.server.support import Database

import pgserver


@pytest.fixture
def empty(clone: Clone) -> Database:
    return clone("template0")


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


# What cannot come back: a label without its provider, a language whose handler is an extension's, a table that an
# extension was given, subscriptions, and what only a superuser's tricks have made.
_ONE_WAY = (
    "invalid index",
    "language",
    "privilege",
    "security label",
    "subscription",
    "table of an extension",
    "transform",
)
RESTORABLE = [change for change in CHANGES if change.kind not in _ONE_WAY]
_ONE_OF_A_KIND = list({change.kind: change for change in reversed(RESTORABLE)}.values())


def named(case: Change) -> str:
    return f"{case.kind}: {case.change[:60]}"


def require_back(roles: Roles, empty: Database, case: Change) -> None:
    roles("fp_reader", "NOSUPERUSER")
    try:
        empty.sql(f"{BEFORE.replace('CREATE ROLE fp_reader;', '')};\n{case.setup};\n{case.change}")
        require_stable(empty)
    finally:
        for name in (f"{empty.name}_second", f"{empty.name}_first", empty.name):
            empty.admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.parametrize("case", _ONE_OF_A_KIND, ids=named)
def test_what_a_migration_has_made_comes_back_equal(roles: Roles, empty: Database, case: Change) -> None:
    require_back(roles, empty, case)
