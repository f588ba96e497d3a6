# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an extension needs to come back."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import extensions
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Extension
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_one_that_the_server_lacks_and_one_of_another_version_are_errors() -> None:
    wanted = replace(FACTS.wanted, extensions={"gone": "1.0", "hstore": "1.7"})
    there = {"hstore": Extension(("1.8",), frozenset())}
    missing, other = extensions.check(replace(FACTS, wanted=wanted, extensions=there))
    assert (missing.check, missing.severity, other.severity) == ("extensions", "error", "error")
    assert "gone of the database app is not installed" in missing.what
    assert "in the version 1.7; the server has 1.8" in other.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(extensions.check(FACTS)) == []
