# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Subscribers of what is rolled back."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import publications
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_publications_are_named() -> None:
    (problem,) = publications.check(replace(FACTS, publications=("news", "orders")))
    assert (problem.check, problem.severity) == ("publications", "warning")
    assert "news, orders" in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(publications.check(FACTS)) == []
