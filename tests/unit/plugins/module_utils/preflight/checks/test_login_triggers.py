# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A trigger that fires for us too."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import login_triggers
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_it_is_an_error_where_the_role_may_not_switch_it_off_and_told_where_it_may() -> None:
    facts = replace(FACTS, login_events=("app",), wanted=replace(FACTS.wanted, login_triggers=("doorman",)))
    (refused,) = login_triggers.check(facts)
    assert refused.severity == "error"
    assert "doorman of the database app, one of app" in refused.what
    (told,) = login_triggers.check(replace(facts, role=replace(FACTS.role, may_silence=True)))
    assert told.severity == "info"


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(login_triggers.check(FACTS)) == []
