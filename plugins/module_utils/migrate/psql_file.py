# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One SQL file through psql, and the evidence that it took effect: exit status 0 is not a commit.

psql reports what it sees before the file and behind it: its backend, its transaction, and how it treats errors. A file
can end psql's reading early, switch ON_ERROR_STOP off, or end the transaction, but it cannot know the run's token, nor
change what the server says of a transaction id afterwards.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import NotCommitted
from ..ports.commands import Completed
from ..ports.database import Session
from ..postgres import pg_tools, queries, table_locks
from ..postgres.table_locks import TableLock

# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
_BEGUN = "COPY (SELECT '{token}', 'begun', pg_catalog.pg_backend_pid(), pg_catalog.{xid}()) TO STDOUT"
_ENDED = """
COPY (SELECT '{token}', 'ended', pg_catalog.pg_backend_pid(), pg_catalog.pg_current_xact_id_if_assigned(),
             pg_catalog.now() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()) TO STDOUT
"""
# Of this session alone, whose transaction still holds them.
_LOCKS = """
COPY (SELECT '{token}', 'locks', pg_catalog.string_agg(pg_catalog.concat(l.relation, ':', l.mode), ' ')
        FROM (SELECT h.relation, h.mode FROM pg_catalog.pg_locks h
               WHERE h.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND h.granted
                 AND h.mode OPERATOR(pg_catalog.=) ANY ('{modes}'::pg_catalog.text[])
                 AND h.locktype OPERATOR(pg_catalog.=) 'relation' LIMIT {most}) l) TO STDOUT
"""
_SETTINGS = r"\echo {token} settings :ON_ERROR_STOP :AUTOCOMMIT :ON_ERROR_ROLLBACK :LAST_ERROR_SQLSTATE"
_GOOD_SETTINGS = re.compile(r"(?:on|true|yes|1) (?:on|true|yes|1) (?:off|false|no|0|interactive) 00000", re.IGNORECASE)

# NULL in the text format of COPY
_NULL = "\\N"

_STATUS = "SELECT pg_catalog.pg_xact_status(%s::pg_catalog.xid8)"

# psql's own errors are in lower case. A notice of several lines that imitates one fails the file, which is safe.
_ERROR = re.compile(r"^psql(?::.*?:\d+)?: (?:ERROR|FATAL|PANIC|error|fatal): .*", re.MULTILINE)


@dataclass(frozen=True)
class FileRun:
    """A file as psql is to run it.

    :param transactional: in one transaction, which psql begins and commits.
    :param token: tells the lines of this run from the output of the file.
    :param path: what psql reads.
    :param reports_locks: whether psql may read them behind the file; otherwise they are not known.
    """

    name: str
    transactional: bool
    token: str
    path: str
    reports_locks: bool

    @classmethod
    def of(cls, name: str, transactional: bool, path: str, locks_visible: bool) -> FileRun:
        """Outside of a transaction nothing is locked any more behind the file."""
        return cls(name, transactional, secrets.token_hex(16), path, transactional and locks_visible)

    def argv(self, tools: pg_tools.Tools) -> tuple[str, ...]:
        xid = "pg_current_xact_id" if self.transactional else "pg_current_xact_id_if_assigned"
        return pg_tools.run_file(
            tools,
            self.path,
            self.transactional,
            before=[_BEGUN.format(token=self.token, xid=xid)],
            # What is judged comes last: of much output, the end is kept.
            behind=["\\o", *self._locks(), _SETTINGS.format(token=self.token), _ENDED.format(token=self.token)],
        )

    def _locks(self) -> Iterator[str]:
        if self.reports_locks:
            yield _LOCKS.format(token=self.token, modes=f"{{{','.join(table_locks.MODES)}}}", most=table_locks.MOST)

    def locks(self, done: Completed, known: Mapping[int, str]) -> tuple[TableLock, ...] | None:
        """The locks with which the file ended, and which others would have waited for; None where they are not known.

        :param known: by OID, the tables that were there before the file.
        """
        return table_locks.told(self._seen(done, "locks"), known) if self.reports_locks else None

    def require_effect(self, done: Completed, server: Session) -> None:
        """
        :param server: another session, of the same database.
        :raises NotCommitted: psql ended with status 0, and the file did not take effect as a whole.
        """
        why = self._contradiction(done)
        if not why and self.transactional and server.value(_STATUS, (self._seen(done, "begun")[1],)) != "committed":
            why = "its transaction was not committed"
        if not why and server.rows(queries.PREPARED_HERE):
            why = "it left a prepared transaction, which is neither committed nor rolled back"
        if why:
            raise NotCommitted(f"{self.name} did not take effect, although psql ended with status 0: {why}.")

    def _contradiction(self, done: Completed) -> str:
        """What the reports of psql say against the file; empty when nothing."""
        hidden = _ERROR.search(done.stderr)
        if hidden:
            return f"an error was ignored ({hidden.group().strip()})"
        begun, settings, ended = (self._seen(done, word) for word in ("begun", "settings", "ended"))
        if not begun or not ended:
            return "psql did not reach the end of the file"
        if ended[0] != begun[0]:
            return "it switched to another connection"
        if not _GOOD_SETTINGS.fullmatch(" ".join(settings)):
            return "it changed how psql treats errors (ON_ERROR_STOP, AUTOCOMMIT, ON_ERROR_ROLLBACK)"
        if self.transactional:
            return "" if ended[1] == begun[1] else "it ended the transaction that it was run in"
        return "" if ended[1:] == (_NULL, "t") else "it left a transaction open, which was rolled back"

    def _seen(self, done: Completed, word: str) -> tuple[str, ...]:
        """The facts of a line that psql printed for us, at the very beginning or the very end.

        Of the end, the last line is whole, and a first line that was cut has no token. The beginning may end anywhere.
        """
        for line in f"{done.stdout}\n{done.head}".splitlines():
            found = line.split()
            if found[:2] == [self.token, word]:
                return tuple(found[2:])
        return ()

    def said(self, done: Completed) -> str:
        """What the file itself has printed."""
        return "\n".join(line for line in done.stdout.splitlines() if not line.startswith(self.token))
