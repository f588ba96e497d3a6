# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the role, or of all roles, that apply to the sessions of a restore."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts, Setting

# What would hamper a restore, and why. Whatever else was set, our sessions and pg_restore's set anew themselves, or it
# changes nothing that is restored.
_HAMPERING = {
    "session_preload_libraries": "it loads code into the sessions that restore",
    "session_replication_role": "triggers and rules would fire differently in the sessions that restore",
    "temp_file_limit": "a large index may not be built within it",
}


def check(facts: ServerFacts) -> Iterator[Problem]:
    for setting in facts.settings:
        reason = _HAMPERING.get(setting.name)
        if reason and not _harmless(setting):
            yield Problem(
                "settings",
                "warning",
                f"{_whose(setting)} SET {setting.name} = {setting.value}: {reason}.",
                f"{_whose(setting)} RESET {setting.name} (and set it again afterwards)",
            )


def _whose(setting: Setting) -> str:
    return f"ALTER ROLE {quoted(setting.role) if setting.role else 'ALL'}"


def _harmless(setting: Setting) -> bool:
    return setting.value in {"", "-1", "none", "origin"}
