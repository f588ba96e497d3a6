# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A prepared transaction keeps its locks."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import prepared_transactions
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_prepared_transaction_is_an_error_of_its_own() -> None:
    found = list(prepared_transactions.check(replace(FACTS, prepared_transactions=("first", "it's second"))))
    assert [problem.severity for problem in found] == ["error", "error"]
    assert "ROLLBACK PREPARED 'it''s second'" in found[1].remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(prepared_transactions.check(FACTS)) == []
