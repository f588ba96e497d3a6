# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login event trigger fires for our sessions too, and may write, wait or refuse them."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    of_copy = [f"{name} of {facts.wanted.of}" for name in facts.wanted.login_triggers]
    places = [*of_copy, *[f"one of {name}" for name in facts.login_events]]
    if not places:
        return
    told = f"Login event triggers: {', '.join(places)}."
    if facts.role.may_silence:
        yield Problem("login_triggers", "info", f"{told} They do not fire for our sessions (event_triggers = off).", "")
        return
    yield Problem(
        "login_triggers",
        "error",
        f"{told} They would fire for our sessions there and in a copy, for {facts.role.name} may not switch them off.",
        f"GRANT SET ON PARAMETER event_triggers TO {quoted(facts.role.name)}, or connect as a superuser.",
    )
