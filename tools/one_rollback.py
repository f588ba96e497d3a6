"""Fail a migration of the database that the PG* variables name, behind a fence; print the seconds of its rollback.

A client reads and writes all the time; the longest that the server took to answer it while the backup was taken is
printed, too.
The database is as before at the end, and what was kept is dropped.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import assertions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FILE_COPY, FOLLOWED, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

BREAKING = {"1.sql": "CREATE TABLE broken (id bigint PRIMARY KEY);\nINSERT INTO broken VALUES (1);\n"}
# It fails when all is verified.
WANTED = Wanted(assertions=assertions.typed([{"name": "none", "sql": "SELECT count(*) = 0 FROM broken"}]))

# What a rollback puts in the place behind each kind of fence, and where the backup is proven for it.
WAYS = {
    fence.BOTH: ("verified_copy", verify.VERIFIED_COPY),
    FOLLOWED: ("verified_copy", verify.VERIFIED_COPY),
    COPIED: (FILE_COPY, "scratch"),
}


WRITTEN = "written_by_the_benchmark"
STATEMENTS = (f"SELECT count(*) FROM {WRITTEN}", f"INSERT INTO {WRITTEN} VALUES (1)")


def _work(waits: list[float], over: threading.Event) -> None:
    while not over.is_set():
        # A fence refuses writes, ends sessions that are older, and takes the name of the database.
        with suppress(psycopg2.Error), closing(_timed(waits, partial(psycopg2.connect, ""))) as connection:
            _serve(connection, waits, over)
        over.wait(0.01)


def _serve(connection: psycopg2.extensions.connection, waits: list[float], over: threading.Event) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        while not over.wait(0.005):
            for statement in STATEMENTS:
                _timed(waits, partial(cursor.execute, statement))


def _timed(waits: list[float], ask: Callable[[], Any]) -> Any:
    started = time.monotonic()
    try:
        return ask()
    finally:
        waits.append(time.monotonic() - started)


def _execute(statement: str) -> None:
    with closing(psycopg2.connect("")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def client() -> Iterator[list[float]]:
    """A client at work for the time of the block; after how many seconds the server has answered, each time."""
    waits, over = list[float](), threading.Event()
    _execute(f"CREATE TABLE {WRITTEN} (a integer)")
    thread = threading.Thread(target=_work, args=(waits, over))
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def failed(target: Target, root: Path, source: Path, kind: str) -> tuple[migrate.Outcome, float]:
    """A whole run up to its rollback, and how long a client was waiting at most while its backup was taken."""
    with client() as waits:
        raised = fence.run(requests.fence(target, root, kind))
        taken = backup.run(requests.backup(target, root, run_id=raised.run_id))
        longest = max(waits)
        proven = verify.run(requests.verify(target, taken.directory, proof=WAYS[kind][1]))
        if proven.findings:
            sys.exit(f"The backup was not proven: {proven.findings}")
        run = (taken.directory, taken.run_id, target.dbname)
        try:
            migrate.run(replace(requests.migrate(target, SetSource(source), *run), wanted=WANTED))
        except migrate.MigrationFailed as error:
            return error.outcome, longest
    sys.exit("The migration did not fail.")


def main() -> None:
    """`one_rollback.py BACKUP_ROOT BIN_DIR [KIND_OF_FENCE]`."""
    kind = sys.argv[3] if len(sys.argv) > 3 else fence.BOTH
    names = {"login_host": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "login_password": "PGPASSWORD"}
    params: dict[str, object] = {option: os.environ.get(variable) for option, variable in names.items()}
    target = arguments.target({**params, "login_db": os.environ["PGDATABASE"], "bin_dir": sys.argv[2]})
    with tempfile.TemporaryDirectory() as directory:
        for name, text in BREAKING.items():
            (Path(directory) / name).write_text(text, encoding="utf-8")
        outcome, longest_wait = failed(target, Path(sys.argv[1]), Path(directory), kind)
    if outcome.rollback is None or outcome.rollback.method != WAYS[kind][0]:
        sys.exit(f"The rollback was not to the copy that the run had kept: {outcome}")
    copies.drop(target, outcome.rollback.kept)
    _execute(f"DROP TABLE {WRITTEN}")
    seconds = {
        "cut-over to the verified copy": outcome.rollback.cutover_seconds,
        "whole rollback": outcome.rollback.seconds,
        "without service": outcome.seconds_closed,
        "without writes": outcome.seconds_read_only,
        "slowest statement": round(longest_wait, 3),
    }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
