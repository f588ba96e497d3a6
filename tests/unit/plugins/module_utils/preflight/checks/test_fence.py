# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A role whose own setting beats the read-only fence."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import fence
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_such_role_is_an_error() -> None:
    (found,) = fence.check(replace(FACTS, roles_that_write=("the app",)))
    assert found.severity == "error"
    assert found.remedy.startswith('ALTER ROLE "the app" RESET default_transaction_read_only')


def test_without_one_it_is_silent() -> None:
    assert list(fence.check(FACTS)) == []
