"""Compare how long nobody can write to a database, and how long nobody is served, by the kind of fence, in one run.

Each run takes a backup, proves it, and migrates with a set that fails: the rollback is part of the time. A client reads
and writes while the backup is taken; its slowest statement is named, too.
The clone needs PostgreSQL 18, root, a loop device and xfsprogs; where it cannot be had, that is said.

Prints a table, and with --save keeps it with a picture in benchmarks/. With --gate it ends with status 1 when the time
without writes of the clone, or of the copy that follows, grows with the size by more than half, or when a statement of
the client took a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cloning_disk

import benchmark
import chart
import demo
import pgserver
import restore_benchmark

KEPT = Path(__file__).resolve().parent.parent / "benchmarks"
READ_ONLY, COPIED, FOLLOWED = "read_only+closed", "closed+copied", "followed+closed"
CLONED = f"{COPIED}, cloned"
WRITES, SERVICE, SLOWEST = "without writes", "without service", "slowest statement"
MOST_GROWTH = 1.5
MOST_SECONDS = 1.0
_DISK_GIGABYTES = 16

Seconds = restore_benchmark.Seconds


def failed(source: benchmark.Source, kind: str) -> Seconds:
    """The seconds of a whole run that fails."""
    root = tempfile.mkdtemp(prefix="pgsafe-", dir=demo.HOME)
    try:
        return restore_benchmark.measured(source, "one_rollback.py", root, str(source.bin_dir), kind)
    finally:
        shutil.rmtree(root)


def moved(source: benchmark.Source, directory: Path) -> None:
    """The database into a tablespace there, from another one."""
    name = source.environment["PGDATABASE"]
    other = benchmark.Source({**source.environment, "PGDATABASE": "postgres"}, source.bin_dir, source.postmaster)
    other.query(f"CREATE TABLESPACE cloning LOCATION '{directory}'")
    other.query(f'ALTER DATABASE "{name}" SET TABLESPACE cloning')


def of_size(gigabytes: float) -> tuple[float, dict[str, Seconds]]:
    """Gigabytes of the database, and the seconds of each way."""
    with cloning_disk.mounted(_DISK_GIGABYTES) as disk, benchmark.sample(gigabytes, "logical") as source:
        held = int(source.query("SELECT pg_database_size(current_database())")[0][0]) / 1e9
        kinds = {READ_ONLY: READ_ONLY, FOLLOWED: FOLLOWED, f"{COPIED}, copied": COPIED}
        found = {way: failed(source, kind) for way, kind in kinds.items()}
        if disk is not None:
            moved(source, disk)
            found[CLONED] = failed(source, COPIED)
    print(table(held, found), flush=True)
    return held, found


def table(gigabytes: float, found: Mapping[str, Seconds]) -> str:
    lines = [f"\n{gigabytes:.1f} GB{'':<24}{WRITES:>16}{SERVICE:>17}{SLOWEST:>19}"]
    for way, seconds in found.items():
        figures = zip(shown(seconds).values(), (14, 15, 17), strict=True)
        lines.append(f"  {way:<28}" + "".join(f"{figure:>{width}.2f} s" for figure, width in figures))
    if CLONED not in found:
        lines.append(f"  {CLONED:<28}not tried: this machine makes no XFS")
    return "\n".join(lines)


def shown(seconds: Seconds) -> Seconds:
    return {WRITES: without_writes(seconds), SERVICE: seconds[SERVICE], SLOWEST: seconds[SLOWEST]}


def without_writes(seconds: Seconds) -> float:
    """While the database is read-only, and while it is closed."""
    return seconds[WRITES] or seconds[SERVICE]


def broken_bounds(sizes: list[tuple[float, dict[str, Seconds]]]) -> list[str]:
    smallest, largest = sizes[0][1], sizes[-1][1]
    growths = {
        way: without_writes(largest[way]) / without_writes(smallest[way])
        for way in (CLONED, FOLLOWED)
        if way in smallest and way in largest
    }
    grown = [f"{way}: the time without writes grows by {by:.2f}." for way, by in growths.items() if by > MOST_GROWTH]
    waited = [
        f"{way}, {held:.1f} GB: a client waited for {seconds[SLOWEST]:.2f} s while the backup was taken."
        for held, found in sizes
        for way, seconds in found.items()
        if seconds[SLOWEST] >= MOST_SECONDS
    ]
    return grown + waited


def save(sizes: list[tuple[float, dict[str, Seconds]]]) -> None:
    figures = {f"{held:.1f} GB": {way: shown(seconds) for way, seconds in found.items()} for held, found in sizes}
    (KEPT / "availability.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    groups = {size: {way: seconds[WRITES] for way, seconds in found.items()} for size, found in figures.items()}
    picture = chart.bars("Seconds in which nobody can write, with the rollback of a failed migration", groups)
    (KEPT / "availability.svg").write_text(picture, encoding="utf-8")


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0.1,0.4,1.6", help="gigabytes of the sample, by commas, in ascending order")
    parser.add_argument("--gate", action="store_true", help="fail where a bound is broken")
    parser.add_argument("--save", action="store_true", help="keep the figures in benchmarks/")
    options = parser.parse_args()
    demo.HOME.mkdir(exist_ok=True)
    demo.link_collection()
    sizes = [of_size(float(size)) for size in options.sizes.split(",")]
    if options.save:
        save(sizes)
    broken = broken_bounds(sizes)
    print("\n".join(broken))
    return 1 if broken and options.gate else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (benchmark.BenchmarkError, demo.DemoError, pgserver.ServerError) as problem:
        print(f"availability_benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
