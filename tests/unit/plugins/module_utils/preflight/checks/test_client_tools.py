# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client tools of the server's major."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import client_tools
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_missing_tools_are_an_error_in_the_words_of_the_search() -> None:
    (problem,) = client_tools.check(replace(FACTS, tools_problem="No client tools of PostgreSQL 15 were found."))
    assert (problem.severity, problem.what) == ("error", "No client tools of PostgreSQL 15 were found.")


def test_tools_that_were_found_are_no_problem() -> None:
    assert list(client_tools.check(FACTS)) == []
