# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each change of an object that a migration can make comes back equal from a dump, and the same from a second one."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles
from ansible_collections.pgsafe.migration.tests.server.fingerprint_cases import Change
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.server.test_fingerprint_migrated import (
    RESTORABLE,
    empty,
    named,
    require_back,
    roles,
)

# pytest finds fixtures by their names in this file.
__all__ = ["empty", "roles"]


@pytest.mark.parametrize("case", RESTORABLE, ids=named)
def test_what_a_migration_has_made_comes_back_equal(roles: Roles, empty: Database, case: Change) -> None:
    require_back(roles, empty, case)
