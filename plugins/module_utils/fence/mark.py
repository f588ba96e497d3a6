# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark of a run on its database: a comment that says who has fenced it, and where that run's journal is.

The journal is on one host. From another host, once the lock of the run is free, an operator would take
the fence for the database's own settings.
"""

from __future__ import annotations

import platform
from typing import Any

from .. import names, playbooks
from ..copies import copy as copies
from ..errors import Refused
from ..journal.journal import Journal
from ..ports.database import Session, identifier, literal, statement
from ..postgres import queries

_BEGINNING = f"{copies.MARK}fenced by the run "


def of(run_journal: Journal) -> str:
    return f"{_BEGINNING}{run_journal.run_id} on {platform.node()}, whose journal is in {run_journal.directory}"


def is_mark(comment: str | None) -> bool:
    return bool(comment) and str(comment).startswith(_BEGINNING)


def run_id(mark: str) -> str:
    return mark[len(_BEGINNING) :].partition(" ")[0]


def commenting(name: str, comment: str | None) -> Any:
    """The statement that gives a database a comment, or none."""
    text = literal(comment) if comment is not None else statement("NULL")
    return statement("COMMENT ON DATABASE {name} IS {text}", name=identifier(name), text=text)


def found(server: Session, database: str) -> dict[str, str]:
    """The marks on a database, by the name that it has: its own, or the one under which it was closed."""
    rows = server.rows(queries.MARKED, (_BEGINNING,))
    return {name: mark for name, mark in rows if name in (database, closed_name(database, run_id(mark)))}


def closed_name(database: str, run: str) -> str:
    """Under which a run hides the database from everybody else."""
    return names.beside(database, "pgsafe", run)


def refused(database: str, name: str, mark: str) -> Refused:
    """Of a run whose journal is not here."""
    state = (
        "Its migration had not begun."
        if name == database
        else f"It is closed, under the name {name}, and may hold half of that run's migration."
    )
    return Refused(
        f"{database} was {mark[len(copies.MARK) :]}; that run did not finish.",
        state,
        f"Finish it there: {playbooks.recovering(run_id(mark))}. Only if that directory is lost for good, open the "
        "database by hand: "
        + " ".join(f"{line};" for line in _by_hand(database, name)),
    )


def _by_hand(database: str, name: str) -> list[str]:
    mine = names.quoted(database)
    renamed = [] if name == database else [f"ALTER DATABASE {names.quoted(name)} RENAME TO {mine}"]
    return [
        *renamed,
        f"ALTER DATABASE {mine} RESET default_transaction_read_only",
        f"COMMENT ON DATABASE {mine} IS NULL",
    ]
