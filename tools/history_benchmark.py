"""Compare what planning costs with a set of 300 files, 295 of them applied, with a set of 5 files, all pending.

Planning is what a run does before its fence: read the files as the controller does, then the history as the target
does. Prints the median of each, and with --gate fails where the large set takes a second more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pgserver

# The collection, as make tree has copied it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import applied_files
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import Applying
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, session
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

LIMIT_SECONDS = 1.0
# How many files a set has, and how many of them were applied.
SETS = ((5, 0), (300, 295))
LINES = 40


def written(directory: Path, files: int) -> Path:
    """A set of that many files, of a few kilobytes each."""
    directory.mkdir()
    for number in range(1, files + 1):
        lines = [f"ALTER TABLE t{number} ADD COLUMN c{line} integer DEFAULT {line};" for line in range(LINES)]
        (directory / f"{number:03}_change.sql").write_text("\n".join(lines) + "\n")
    return directory


def record(target: Target, source: Path, applied: int) -> None:
    """The first files of a set in the history of the database."""
    files = migration_set.read(source).listing.files[:applied]
    rows = [Applying(file.name, applied_files.APPLIED, file.sha256, place) for place, file in enumerate(files, 1)]
    with session(target, WRITING) as server:
        applied_files.write(server, applied_files.DEFAULT_SET, "20260101_000000", rows)
        applied_files.mark_verified(server, "20260101_000000")


def planned(target: Target, source: Path, pending: int, runs: int) -> float:
    """The median of the seconds that planning takes."""
    took = []
    for _run in range(runs):
        started = time.monotonic()
        found = migration_set.read(source)
        sent = SetSource(source, Path("bundle"), tuple(found.names), found.digest, found.listing)
        plan = migrate.plan(requests.migrate(target, sent, Path(), "", ""))
        took.append(time.monotonic() - started)
        if len(plan.files) != pending:
            raise pgserver.ServerError(f"{len(plan.files)} files are pending instead of {pending}.")
    return statistics.median(took)


def measured(server: pgserver.Server, place: Path, files: int, applied: int, runs: int) -> float:
    """The seconds of planning with a set of which so many files were applied; printed as well."""
    name = f"history_{files}"
    server.psql(f"CREATE DATABASE {name}")
    way = {"login_unix_socket": str(server.socket_dir), "login_port": server.port, "login_user": pgserver.SUPERUSER}
    target = arguments.target({**way, "login_db": name, "bin_dir": str(server.bin_dir)})
    source = written(place / name, files)
    if applied:
        record(target, source, applied)
    seconds = planned(target, source, files - applied, runs)
    print(f"{files:3} files, {applied:3} of them applied: {seconds:.3f} s", flush=True)
    return seconds


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of each set")
    parser.add_argument("--gate", action="store_true", help=f"fail beyond {LIMIT_SECONDS:g} s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgsafe-") as place:
        server = pgserver.start(Path(place) / "server")
        try:
            seconds = {files: measured(server, Path(place), files, applied, options.runs) for files, applied in SETS}
        finally:
            server.stop("immediate")
    more = seconds[300] - seconds[5]
    print(f"The large set takes {more:.3f} s more; the limit is {LIMIT_SECONDS:g} s.")
    return int(options.gate and more > LIMIT_SECONDS)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pgserver.ServerError as problem:
        print(f"history_benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
