# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a migration tool says of itself: the version that the database has, and whether anything is pending.

A command tells whether anything is pending by one rule for every tool: it prints a certain text when something is;
status 0 without this text means that nothing is; everything else is an error, which is no answer. The status alone
would not do: most tools have one status for "pending" and for "the database does not answer".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from ..errors import BadRequest, CommandFailed, QueryFailed, Refused
from ..model import Target
from ..ports import commands
from ..ports.database import search_path_of, session
from ..postgres import login_triggers, tool_histories
from ..postgres.tool_histories import ToolVersion
from . import one_query

# What the pending command connects with, as far as its driver reads PGOPTIONS.
READ_ONLY = {"default_transaction_read_only": "on"}

_KEY = "pg_migrate_command"
_QUERY = f"{_KEY}.version_query"
_QUERY_SECONDS = 30
_MOST_ROWS = 100

# Before the first run there is no table: undefined_table, invalid_schema_name.
_ABSENT = ("42P01", "3F000")


@dataclass(frozen=True)
class ToolOptions:
    """What a person says of the tool that a command runs.

    :param version_query: one query that gives the version; empty for those of the histories that are found.
    :param pending_command: the argument list of the command that says whether anything is pending; empty for a preset.
    :param pending_text: a regular expression for what it prints when something is pending.
    :param no_preset: ask no tool by a command that was not named.
    """

    version_query: str = ""
    pending_command: tuple[str, ...] = ()
    pending_text: str = ""
    no_preset: bool = False


def options(
    query: str, pending_command: Sequence[str] = (), pending_text: str = "", no_preset: bool = False
) -> ToolOptions:
    """
    :raises BadRequest: the query is not one query, or the pending command has no text, or a text that is no pattern.
    """
    if bool(pending_command) != bool(pending_text):
        raise BadRequest(
            f"{_KEY}.pending and {_KEY}.pending_text go together: the command prints that text when something is "
            "pending, which distinguishes this case from an error."
        )
    try:
        re.compile(pending_text, re.MULTILINE)
    except re.error as error:
        raise BadRequest(f"{_KEY}.pending_text is not a regular expression: {error}.") from error
    one = one_query.of(query, _QUERY) if query else ""
    return ToolOptions(one, tuple(pending_command), pending_text, no_preset)


def versions(target: Target, asked: ToolOptions, purpose: str) -> tuple[ToolVersion, ...]:
    """The version that the database has: by the user's query, or of every history of a known tool.

    :raises Refused: the query failed, other than for want of its table.
    :raises ConnectionFailed: the database cannot be reached.
    """
    way_in = login_triggers.silenced(target)
    if not asked.version_query:
        with session(way_in, purpose=purpose) as reader:
            return tool_histories.versions(reader)
    path = search_path_of(way_in)
    with session(way_in, one_query.settings(_QUERY_SECONDS), purpose) as reader:
        try:
            rows = one_query.rows(reader, asked.version_query, path, _MOST_ROWS)
        except QueryFailed as error:
            if error.sqlstate in _ABSENT:
                return (ToolVersion("", ""),)
            raise Refused(f"{_QUERY} failed: {error.what}", remedy="Correct the query, or leave it out.") from error
    return (ToolVersion("", "", tuple(" ".join(map(str, row)) for row in rows)),)


@dataclass(frozen=True)
class Question:
    """A command that says whether anything is pending.

    :param text: as in :class:`ToolOptions`.
    """

    argv: tuple[str, ...]
    text: str


def question(asked: ToolOptions, argv: Sequence[str]) -> Question | None:
    """What is asked before a command is run; None where nothing is known to ask.

    :param argv: the command that migrates.
    """
    if asked.pending_command:
        return Question(asked.pending_command, asked.pending_text)
    return None if asked.no_preset else preset(tuple(argv))


def preset(argv: tuple[str, ...]) -> Question | None:
    """Of a tool that ends with another status than 0 when something is pending, as its documentation says.

    Flyway, Rails and Sqitch have none: the name of the closed database does not reach JDBC; the task of Rails creates a
    missing table, which a read-only session refuses; ``sqitch status`` ends with 0 in either case.
    """
    names = [PurePath(word).name for word in argv]
    return _alembic(argv, names) or _django(argv, names) or _prisma(argv, names)


def _alembic(argv: tuple[str, ...], names: Sequence[str]) -> Question | None:
    """https://alembic.sqlalchemy.org/en/latest/changelog.html#change-1.17.1: ``current --check-heads``"""
    if "alembic" not in names[:-2] or argv[-2:] not in (("upgrade", "head"), ("upgrade", "heads")):
        return None
    return Question((*argv[:-2], "current", "--check-heads"), r"Database is not on all head revisions")


def _django(argv: tuple[str, ...], names: Sequence[str]) -> Question | None:
    """https://docs.djangoproject.com/en/stable/ref/django-admin/#cmdoption-migrate-check; the plan is the text."""
    if not {"manage.py", "django-admin", "django"} & set(names) or "migrate" not in argv or "--run-syncdb" in argv:
        return None
    return Question((*argv, "--plan", "--check"), r"Planned operations:\s*\n(?!  No planned migration operations)")


def _prisma(argv: tuple[str, ...], names: Sequence[str]) -> Question | None:
    """https://www.prisma.io/docs/cli/migrate/status#exit-codes"""
    if "prisma" not in names or ("migrate", "deploy") not in zip(argv, argv[1:]):
        return None
    place = argv.index("deploy")
    return Question((*argv[:place], "status", *argv[place + 1 :]), r"have not yet been applied")


@dataclass(frozen=True)
class Answer:
    """:param by: the words of the command that gave it."""

    pending: bool
    by: str


def ask(asked: Question, like: commands.Command, redacted: Callable[[str], str]) -> Answer:
    """Whether the tool has anything to apply.

    :param like: the command that migrates, in whose directory and environment, and for as long, this one may run.
    :param redacted: takes secrets out of what the command prints.
    :raises Refused: it gave no answer.
    """
    by = " ".join(asked.argv)
    try:
        done = commands.run(replace(like, argv=asked.argv))
    except CommandFailed as error:
        if (error.status or 0) > 0 and _says(asked, error.stdout, error.stderr):
            return Answer(True, by)
        raise Refused(
            f"Could not find out whether anything is pending. {redacted(error.what)}",
            remedy=f"The command that was run: {redacted(by)}. Fix what it reports. To migrate without it: {_KEY} with "
            "pending_preset: false, and no pending.",
        ) from error
    return Answer(_says(asked, done.head, done.stdout, done.stderr), by)


def _says(asked: Question, *printed: str) -> bool:
    return re.search(asked.text, "\n".join(printed), re.MULTILINE) is not None
