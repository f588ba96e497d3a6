# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump says and no server takes."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import unrestorable
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_language_that_is_dumped_without_its_handler_is_an_error() -> None:
    (problem,) = unrestorable.check(replace(FACTS, bare_languages=(("plx", "plpgsql_call_handler()"),)))
    assert (problem.check, problem.severity) == ("unrestorable", "error")
    assert problem.what.startswith("The language plx calls plpgsql_call_handler()")
    assert 'DROP LANGUAGE "plx"' in problem.remedy


def test_a_function_that_was_removed_from_its_extension_is_an_error_with_the_way_back() -> None:
    (problem,) = unrestorable.check(replace(FACTS, removed_functions=(("public.f(text)", "hstore"),)))
    assert (problem.check, problem.severity) == ("unrestorable", "error")
    assert problem.remedy == 'ALTER EXTENSION "hstore" ADD FUNCTION public.f(text)'


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(unrestorable.check(FACTS)) == []
