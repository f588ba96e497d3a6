# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A query of the user's own: run through a cursor of a read-only transaction that is always rolled back.

So it can change nothing, and in a session of its own it leaves nothing to the next one. It finds names by the
search_path of the database, which is set for it alone.
"""

from __future__ import annotations

import re

from ..errors import BadRequest
from ..ports.database import ONE_SNAPSHOT, Row, Session
from ..sql_text import QUOTED, masked

_COMMENT = re.compile(r"\A(--|/\*)")


def of(text: str, what: str, remedy: str = "") -> str:
    """The query without what may follow it; a second statement could end the transaction that keeps it harmless.

    :param what: what the text is, for the message.
    :raises BadRequest: there is more than one.
    """
    end = _end_of_statement(text)
    rest = QUOTED.sub(lambda found: "" if _COMMENT.match(found.group()) else found.group(), text[end + 1 :])
    if not text[:end].strip() or rest.strip():
        raise BadRequest(f"{what} is not one query.", remedy=remedy)
    return text[:end]


def _end_of_statement(text: str) -> int:
    """The place of the first semicolon that is code, or the end."""
    found = masked(text).find(";")
    return len(text) if found < 0 else found


def settings(time_limit: int) -> dict[str, str]:
    """Of the session that :func:`rows` reads in.

    :param time_limit: in seconds.
    """
    return {"statement_timeout": f"{time_limit}s", "default_transaction_read_only": "on"}


def rows(reader: Session, query: str, search_path: str, most: int) -> list[Row]:
    """At most so many rows of a query, as :func:`of` gives it.

    :param reader: a session that is used for nothing else.
    :param search_path: as :func:`search_path_of` gives it.
    :raises QueryFailed: the server refused it, or it took too long.
    :raises ConnectionFailed: the session was lost.
    """
    reader.execute(f"BEGIN {ONE_SNAPSHOT}")
    reader.find_names_by(search_path)
    # A cursor takes nothing but a query; behind a comment at its end the statement goes on in a new line.
    reader.execute(f"DECLARE asked NO SCROLL CURSOR FOR {query}\n")
    found = reader.rows(f"FETCH {most} FROM asked")
    reader.execute("ROLLBACK")
    return found
