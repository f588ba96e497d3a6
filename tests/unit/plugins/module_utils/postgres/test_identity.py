# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A namesake is not the database that the backup was taken from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Identity
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.identity import require_same

OURS = Identity("7561234567890123456", 16384, "app", 1)


def test_the_very_database_is_let_through_even_under_another_name() -> None:
    require_same(OURS, OURS)
    require_same(OURS, replace(OURS, name="renamed"))


@pytest.mark.parametrize("other", [{"system_identifier": "1"}, {"timeline": 2}])
@pytest.mark.parametrize("same_database", [True, False])
def test_another_server_is_refused_also_when_the_database_may_be_gone(
    other: dict[str, object], same_database: bool
) -> None:
    with pytest.raises(Refused, match="not the server that the backup was taken from"):
        require_same(OURS, replace(OURS, **other), same_database)  # type: ignore[arg-type]  # any of its fields


def test_another_database_of_the_same_name_is_refused() -> None:
    with pytest.raises(Refused, match=r"OID 99, in the backup 16384 \(app\)"):
        require_same(OURS, replace(OURS, oid=99))


def test_a_database_that_is_gone_may_have_another_oid() -> None:
    require_same(OURS, replace(OURS, oid=99), same_database=False)
