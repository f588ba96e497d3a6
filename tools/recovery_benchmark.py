"""Compare the recovery of one table with a bare `pg_restore --table` of the same archive, in one run.

Bare: `pg_restore --data-only --table` into a database that has the tables without indexes and constraints. It compares
nothing. Ours: SHA-256 of the whole archive, the objects of the backup in a scratch database, the rows, their comparison
with the manifest, then indexes, constraints, triggers and policies.

Then some rows of the same table are extracted, the whole backup is restored to a new database, a table that has lost
some of its rows is compared with it, the backup is verified by each level, and the database is rolled back to it: the
other emergencies of docs/guides/recovery.md, with the lines that a person sees.

Prints a table. With --gate it ends with status 1 when reading the rows takes more than 1.3 of the bare pg_restore, or
when the memory of an extraction grows with the table.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import benchmark
import demo
import pgserver
import restore_benchmark

# By the column that the extracted rows are chosen by.
TABLES = {"community_members": "id", "member_embeddings": "member_id"}
CONDITION = "{} % 1000 = 7"
# The table that loses these rows in the emergencies that bring rows back.
DAMAGED = "member_embeddings"
MOST_OF_BARE = 1.3
MOST_GROWTH = 1.2
BARE, ROWS, MEMORY = "bare pg_restore --table", "rows", "memory"

Seconds = restore_benchmark.Seconds


def bare(source: benchmark.Source, backup: Path, table: str) -> float:
    """Its seconds."""
    archive, there = str(backup / "full_backup.dump"), f"--dbname={restore_benchmark.COPY}"
    source.query(f"CREATE DATABASE {restore_benchmark.COPY} TEMPLATE template0")
    objects = [source.tool("pg_restore"), "--section=pre-data", there, archive]
    benchmark.run_all([(objects, None)], source.environment)
    started = time.monotonic()
    argv = [source.tool("pg_restore"), "--data-only", f"--table={table}", there, archive]
    benchmark.run_all([(argv, None)], source.environment)
    return time.monotonic() - started


def cleaned(source: benchmark.Source) -> None:
    source.query(f"DROP DATABASE IF EXISTS {restore_benchmark.COPY} WITH (FORCE)")
    source.query("SET client_min_messages = error; DROP SCHEMA IF EXISTS recovered CASCADE")
    source.query("CHECKPOINT")


def recovered(source: benchmark.Source, backup: Path, table: str) -> Seconds:
    found = {BARE: bare(source, backup, table)}
    cleaned(source)
    found.update(restore_benchmark.measured(source, "one_recovery.py", str(backup), str(source.bin_dir), table))
    cleaned(source)
    return found


def extracted(source: benchmark.Source, backup: Path, table: str, condition: str) -> Seconds:
    with tempfile.TemporaryDirectory() as directory:
        given = (str(backup), str(source.bin_dir), table, condition, f"{directory}/rows.csv")
        return restore_benchmark.measured(source, "one_recovery.py", *given)


def emergency(source: benchmark.Source, name: str, *arguments: str) -> dict[str, Any]:
    """Meet one; print its seconds, its memory and what a person sees."""
    found: dict[str, Any] = restore_benchmark.measured(
        source, "one_emergency.py", name, str(source.bin_dir), *arguments
    )
    print(table(name, found["seconds"], found["seconds"]["whole"]))
    print("\n".join(f"    {line}" for line in found["console"]), flush=True)
    return found


def emergencies(source: benchmark.Source, backup: Path) -> None:
    """Those that need the restored copy, and one after which there is nothing to compare."""
    within = {**source.environment, "PGDATABASE": restore_benchmark.COPY}
    damaged = replace(source, environment=within)
    damaged.query(f"DELETE FROM {DAMAGED} WHERE {CONDITION.format(TABLES[DAMAGED])}")
    with tempfile.TemporaryDirectory() as directory:
        statements = f"{directory}/bring_back.sql"
        emergency(damaged, "compare", source.environment["PGDATABASE"], DAMAGED, statements)
    cleaned(source)
    emergency(source, "verify", str(backup))
    source.query(f"DELETE FROM {DAMAGED} WHERE {CONDITION.format(TABLES[DAMAGED])}")
    kept = emergency(source, "rollback", str(backup))["kept"]
    source.query(f'DROP DATABASE "{kept}" WITH (FORCE)')


def table(title: str, found: Seconds, of: float) -> str:
    """Seconds with their ratio to the bare pg_restore, and the peak memory."""
    lines = [title]
    for name, value in found.items():
        shown = f"{value / 1e6:>10.0f} MB" if name == MEMORY else f"{value:>10.2f} s {value / of:>7.2f}"
        lines.append(f"  {name:<28}{shown}")
    return "\n".join(lines)


def of_size(gigabytes: float) -> dict[str, Seconds]:
    root = Path(tempfile.mkdtemp(prefix="pgsafe-", dir=demo.HOME))
    found: dict[str, Seconds] = {}
    try:
        with benchmark.sample(gigabytes) as source:
            held = int(source.query("SELECT pg_database_size(current_database())")[0][0])
            print(f"\n{held / 1e9:.1f} GB", flush=True)
            backup = restore_benchmark.backed_up(source, root)
            for name, column in TABLES.items():
                condition = CONDITION.format(column)
                found[f"{name}, recovered"] = measured = recovered(source, backup, name)
                found[f"{name}, extracted"] = rows = extracted(source, backup, name, condition)
                print(table(f"{name}, recovered", measured, measured[BARE]))
                print(table(f"{name}, rows extracted where {condition}", rows, measured[BARE]), flush=True)
            copy = (str(backup), str(source.bin_dir), restore_benchmark.COPY)
            whole = restore_benchmark.measured(source, "one_restore.py", *copy)
            print(f"restored to a new database: {whole['whole']:.1f} s, {whole[MEMORY] / 1e6:.0f} MB", flush=True)
            emergencies(source, backup)
    finally:
        shutil.rmtree(root)
    return found


def broken_bounds(sizes: list[dict[str, Seconds]]) -> list[str]:
    """Of the largest size, and of its memory against the smallest."""
    smallest, largest = sizes[0], sizes[-1]
    slow = [
        f"{name}: the rows take {found[ROWS] / found[BARE]:.2f} of the bare pg_restore"
        for name, found in largest.items()
        if BARE in found and found[ROWS] > MOST_OF_BARE * found[BARE]
    ]
    large = [
        f"{name}: the memory is {found[MEMORY] / smallest[name][MEMORY]:.2f} of that of the smallest size"
        for name, found in largest.items()
        if BARE not in found and found[MEMORY] > MOST_GROWTH * smallest[name][MEMORY]
    ]
    return slow + large


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0.1,1.6", help="gigabytes of the sample, by commas, in ascending order")
    parser.add_argument("--gate", action="store_true", help="fail where a bound is broken")
    options = parser.parse_args()
    demo.HOME.mkdir(exist_ok=True)
    demo.link_collection()
    broken = broken_bounds([of_size(float(size)) for size in options.sizes.split(",")])
    print("\n".join(broken))
    return 1 if broken and options.gate else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (benchmark.BenchmarkError, demo.DemoError, pgserver.ServerError) as problem:
        print(f"recovery_benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
