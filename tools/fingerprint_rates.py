"""Measure what a fingerprint costs: MB/s that one session reads of narrow rows, TOASTed text and arrays of floats.

Makes three tables of about the given size in a server of its own, and prints a line for each and each mode. The rate is
of the table's bytes on disk, TOAST included, with everything in memory: what the processor does, not the disk.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import demo
import pgserver

# Each by the bytes that one row takes on disk, about.
TABLES = {
    "narrow rows": (
        "CREATE TABLE measured AS SELECT i::bigint AS id, i % 1000 AS a, i::numeric / 7 AS b,"
        " now() + i * interval '1 s' AS c FROM generate_series(1, {rows}) AS i",
        64,
    ),
    "TOASTed text": (
        "CREATE TABLE measured (id bigint, body text); ALTER TABLE measured ALTER body SET STORAGE EXTERNAL;"
        " INSERT INTO measured SELECT i, repeat(md5(i::text), 500) FROM generate_series(1, {rows}) AS i",
        16400,
    ),
    "arrays of floats": (
        "CREATE TABLE measured (id bigint, v real[]); ALTER TABLE measured ALTER v SET STORAGE PLAIN;"
        " INSERT INTO measured SELECT i, ARRAY(SELECT (random() + i * 0)::real FROM generate_series(1, 384))"
        " FROM generate_series(1, {rows}) AS i",
        1640,
    ),
}


def rates(server: pgserver.Server, runs: int) -> Iterator[tuple[str, float]]:
    """MB/s by mode, medians, of the table ``measured``."""
    # Found only when demo.py has linked the collection.
    from ansible_collections.pgsafe.migration.plugins.module_utils.compare import contents, reading_modes
    from ansible_collections.pgsafe.migration.plugins.module_utils.model import MODES, Target
    from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session

    params = {"host": str(server.socket_dir), "port": str(server.port), "user": pgserver.SUPERUSER}
    size = int(server.psql("SELECT pg_table_size('measured')"))
    with session(Target(params, "postgres")) as reader:
        for mode in MODES:
            seconds = []
            for counted in range(runs + 1):
                read = contents.Contents(reader, reading_modes.Chosen(mode))
                with reader.transaction():
                    for work in read.work():
                        work.run(reader)
                if counted:
                    seconds.append(read.seconds)
            yield mode, size / 1e6 / statistics.median(seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100, help="of each table")
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each, after one that is not")
    options = parser.parse_args()
    demo.link_collection()
    sys.path.insert(0, str(demo.HOME / "collections"))
    with tempfile.TemporaryDirectory() as home:
        server = pgserver.start(Path(home) / "server", fsync=False)
        try:
            for name, (text, row_bytes) in TABLES.items():
                server.psql("DROP TABLE IF EXISTS measured")
                server.psql(text.format(rows=options.megabytes * 10**6 // row_bytes))
                server.psql("ALTER TABLE measured ADD PRIMARY KEY (id)")
                server.psql("VACUUM ANALYZE measured")
                found = "  ".join(f"{mode} {rate:6.0f} MB/s" for mode, rate in rates(server, options.runs))
                print(f"{name:<18}{found}", flush=True)
        finally:
            server.destroy()


if __name__ == "__main__":
    main()
