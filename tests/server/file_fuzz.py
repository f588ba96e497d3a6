# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random migration files, and whether what is said of them is what the database holds.

Every file writes a number now and then. It was applied when each number is there; an error, wherever it was, and a
number that is missing mean that it was not. A file of nothing but good pieces has to be applied.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set, psql_file
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.conventions import NO_TRANSACTION
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import (
    WRITING,
    environment_of_user,
    session,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools
from ansible_collections.pgsafe.migration.tests.server.support import Database

_OPEN = "SELECT 'open;"
_UNREADABLE = "SELECT 'ROLLBACK' \\gexec"
TABLE = "CREATE TABLE IF NOT EXISTS written (number int)"
WRITE = "INSERT INTO written VALUES (%d);"
GOOD = [
    "SELECT 1;",
    "\\echo something",
    "\\set ON_ERROR_STOP on",
    "SAVEPOINT s; INSERT INTO written VALUES (-1); ROLLBACK TO SAVEPOINT s; RELEASE SAVEPOINT s;",
    "DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;",
    "/* ROLLBACK; /* \\q */ */ -- \\connect postgres",
    "SELECT 'COMMIT;', $x$ \\! $x$;",
    "SET search_path = public, pg_catalog;",
    "\\timing on",
    "\\pset format csv",
    "\\o /dev/null",
    "COPY written FROM stdin;\n\\.",
    "\\if true\nSELECT 2;\n\\endif",
    "CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
    "SELECT 'SELECT 3' \\gexec",
    "SET LOCAL lock_timeout = 1000;",
]
BAD = [
    "BEGIN;",
    "COMMIT;",
    "ROLLBACK;",
    "  abort ;",
    "END;",
    "SELECT 1; ROLLBACK; BEGIN;",
    "COMMIT AND CHAIN;",
    "ROLLBACK AND CHAIN;",
    "SELECT 1 \\; COMMIT \\; BEGIN;",
    "BEGIN ISOLATION LEVEL REPEATABLE READ;",
    "START TRANSACTION READ ONLY;",
    "PREPARE TRANSACTION 'fuzz';",
    _UNREADABLE,
    "SELECT 'COMMIT' AS a UNION ALL SELECT 'BEGIN' \\gexec",
    "SELECT 1 / 0;",
    "no such statement;",
    "\\set ON_ERROR_STOP off",
    "\\set ON_ERROR_STOP 0",
    "\\unset ON_ERROR_STOP",
    "\\set ON_ERROR_ROLLBACK on",
    "\\set AUTOCOMMIT off",
    "SELECT 'off' AS \"ON_ERROR_STOP\" \\gset",
    "SELECT 'on' AS \"ON_ERROR_ROLLBACK\" \\gset",
    "SELECT 'off' AS \"AUTOCOMMIT\" \\gset",
    "\\set name ON_ERROR_STOP\n\\set :name off",
    "\\q",
    "\\if false",
    "\\else",
    "\\i missing.sql",
    "\\ir included.inc",
    "\\c",
    "\\connect postgres",
    "\\set file included.inc\n\\i :file",
    "\\o /nowhere/at/all",
    "\\unknown",
    "COPY written FROM stdin;\nx\n\\.",
    "COPY written FROM stdin;",
    "/* open",
    _OPEN,
    "DO $$ BEGIN COMMIT; END $$;",
    "\\restrict key",
    "SELECT pg_terminate_backend(pg_backend_pid());",
    "SET TRANSACTION READ ONLY;",
]


@dataclass(frozen=True)
class Case:
    """:param good: nothing in it keeps the file from being applied."""

    text: str
    included: str
    numbers: tuple[int, ...]
    transactional: bool
    good: bool


def drawn(chance: random.Random) -> Case:
    """A file of up to a dozen pieces; a third of the files have good ones alone."""
    only_good = chance.random() < 1 / 3
    count = chance.randint(1, 8)
    pieces = [chance.choice(GOOD if only_good or chance.random() < 0.6 else BAD) for _piece in range(count)]
    transactional = chance.random() < 0.7
    if not transactional:
        # A savepoint needs a transaction, and so does SET LOCAL to mean anything.
        # A file with transactions of its own may roll them back by a query that nobody can read beforehand.
        pieces = [piece if "SAVEPOINT" not in piece and piece != _UNREADABLE else "SELECT 4;" for piece in pieces]
    if _OPEN in pieces:
        # The next quote would end the string, and what is between the two is no statement.
        first = pieces.index(_OPEN) + 1
        pieces[first:] = ["SELECT 4;" if "'" in piece else piece for piece in pieces[first:]]
    lines, numbers = [] if transactional else [NO_TRANSACTION], []
    for number, piece in enumerate([*pieces, "SELECT 5;"]):
        lines += [WRITE % number, piece]
        numbers.append(number)
    return Case(
        "\n".join(lines) + "\n",
        f"{chance.choice(GOOD + BAD)}\n{WRITE % 100}\n",
        tuple(numbers),
        transactional,
        only_good,
    )


def said_and_true(database: Database, case: Case, directory: Path) -> tuple[str, str]:
    """What is said of a file, and what is wrong about it; empty when the database holds just that."""
    for (prepared,) in _rows(database, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
        database.sql(f"ROLLBACK PREPARED '{prepared}'")
    database.sql(f"SET client_min_messages = error; {TABLE}; TRUNCATE written")
    (directory / "it.sql").write_text(case.text)
    (directory / "included.inc").write_text(case.included)
    said = _applied(database, directory)
    held = [int(number) for (number,) in _rows(database, "SELECT number FROM written ORDER BY number")]
    wrong = ""
    if said == "applied" and [number for number in held if number < 100] != list(case.numbers):
        wrong = f"it is said to be applied, and the database holds {held} of {case.numbers}"
    if said == "applied" and 100 not in held and "\\ir included" in case.text:
        wrong = "it is said to be applied, and what it includes was not"
    if said != "applied" and case.good:
        wrong = f"nothing is wrong with it, and it was {said}"
    return said, wrong


def _applied(database: Database, directory: Path) -> str:
    try:
        (file,) = migration_set.read(directory).files
    except PgsafeError:
        return "refused"
    asked = psql_file.FileRun.of(file.name, file.transactional, file.name, locks_visible=True)
    argv = asked.argv(client_tools.find(database.target, database.server.installation.major))
    env = environment_of_user(database.target, WRITING, "migration")
    try:
        done = commands.run(commands.Command(argv, env, str(directory)))
        with session(database.target) as server:
            asked.require_effect(done, server)
    except PgsafeError as error:
        return f"failed ({type(error).__name__})"
    return "applied"


def _rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with session(database.target) as server:
        return server.rows(query.replace("FROM written", "FROM public.written"))


def run(database: Database, directory: Path, seed: int, cases: int) -> tuple[Counter[str], list[str]]:
    """How the files ended, counted, and each that was judged wrongly."""
    chance = random.Random(f"{seed} migration files")  # noqa: S311 - to be drawn again, not to be secret
    counted: Counter[str] = Counter()
    wrong = []
    for number in range(cases):
        case = drawn(chance)
        said, why = said_and_true(database, case, directory)
        counted[said] += 1
        if why:
            wrong.append(f"case {number}: {why}\n{case.text}\nincluded:\n{case.included}")
    return counted, wrong
