# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of the user's around the time that a database is fenced: a pooler, a scheduler, a maintenance page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import CommandFailed
from ..ports import commands

LIMIT_SECONDS = 120.0

Hooks = Sequence[Sequence[str]]


def run(hooks: Hooks) -> None:
    """One after the other; the first failure ends it.

    :raises CommandFailed: one ended with another status than 0, or not within two minutes.
    """
    for argv in hooks:
        try:
            commands.run(commands.Command(tuple(argv), {}, time_limit=LIMIT_SECONDS))
        except CommandFailed as error:
            # Not its arguments, which may hold a token; the message has the program.
            error.what = f"A hook failed: {error.what}"
            raise


def run_all(hooks: Hooks) -> Iterable[str]:
    """Run every one, even after a failure; the failures."""
    failures = []
    for argv in hooks:
        try:
            run([argv])
        except CommandFailed as error:
            failures.append(error.what)
    return failures
