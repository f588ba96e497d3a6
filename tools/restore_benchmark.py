"""Compare the collection's restore to a new database with a bare pg_restore, in one run, on the same archive.

Bare: `CREATE DATABASE … TEMPLATE template0`, then `pg_restore -j 2`; nothing is checked and nothing is analysed.
Ours, -j 2 too: SHA-256 of the archive, extensions in their versions, the load, ANALYZE, and the comparison of every row
with the manifest; the last two are named separately, since whoever restores by hand does them later, or not at all.

Then a migration is made to fail behind the default fence, once a size, and what its rollback to the verified copy took
is named by parts; it must not grow with the database.

Prints a table, and writes benchmarks/restore.json and benchmarks/restore.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import benchmark
import chart
import demo
import pgserver

COPY = "restored"
BARE = "bare pg_restore -j 2"
WHOLE = "ours, whole"
TOOLS = Path(__file__).resolve().parent

Seconds = dict[str, float]


def backed_up(source: benchmark.Source, root: Path) -> Path:
    """The directory of a backup of the collection's."""
    benchmark.ours(source, root)
    (found,) = root.glob("*/migration_*")
    return found


def bare(source: benchmark.Source, backup: Path) -> Seconds:
    """What people type."""
    started = time.monotonic()
    source.query(f"CREATE DATABASE {COPY} TEMPLATE template0")
    argv = [source.tool("pg_restore"), "--jobs=2", f"--dbname={COPY}", str(backup / "full_backup.dump")]
    benchmark.run_all([(argv, None)], source.environment)
    return {BARE: time.monotonic() - started}


def ours(source: benchmark.Source, backup: Path) -> Seconds:
    """The collection's restore, in a process of its own."""
    found = measured(source, "one_restore.py", str(backup), str(source.bin_dir), COPY)
    found.pop("memory")
    return {WHOLE: found.pop("whole"), **{f"ours, {part}": seconds for part, seconds in found.items()}}


def rolled_back(source: benchmark.Source, root: Path) -> Seconds:
    """A migration that fails behind the default fence, put back by the copy that proved its backup."""
    return measured(source, "one_rollback.py", str(root), str(source.bin_dir))


def measured(source: benchmark.Source, tool: str, *arguments: str) -> Seconds:
    """What a tool beside this one prints."""
    argv = [sys.executable, str(TOOLS / tool), *arguments]
    done = subprocess.run(argv, env=source.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise benchmark.BenchmarkError(done.stderr)
    found: Seconds = json.loads(done.stdout)
    return found


def compare(source: benchmark.Source, backup: Path, runs: int) -> Seconds:
    """Both in turn, several times; the median of each figure."""
    measured: list[Seconds] = []
    for _run in range(runs):
        figures: Seconds = {}
        for contender in (bare, ours):
            try:
                figures.update(contender(source, backup))
            finally:
                source.query(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
                source.query("CHECKPOINT")
        measured.append(figures)
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def table(title: str, measured: Seconds) -> str:
    """The figures and their ratios to the bare restore."""
    lines = [title, f"{'':<30}{'seconds':>10}{'ratio':>8}"]
    lines += [f"{name:<30}{seconds:>10.2f}{seconds / measured[BARE]:>8.2f}" for name, seconds in measured.items()]
    return "\n".join(lines)


def save(results: dict[str, Seconds], runs: dict[str, int]) -> None:
    """The same figures for programs, and as a picture."""
    benchmark.OUTPUT.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "runs": runs}
    text = json.dumps({"machine": machine, "medians": results}, indent=2)
    (benchmark.OUTPUT / "restore.json").write_text(text + "\n", encoding="utf-8")
    (benchmark.OUTPUT / "restore.svg").write_text(chart.bars("Seconds to restore", results), encoding="utf-8")
    print("\nWritten: benchmarks/restore.json, benchmarks/restore.svg")


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0.1,1.6x1", help="gigabytes of the sample, by commas; 1.6x1 is run once")
    parser.add_argument("--runs", type=int, default=3, help="runs of each contender, unless the size says it")
    options = parser.parse_args()
    demo.HOME.mkdir(exist_ok=True)
    demo.link_collection()
    results: dict[str, Seconds] = {}
    runs: dict[str, int] = {}
    for wanted in options.sizes.split(","):
        size, _x, counted = wanted.partition("x")
        root = Path(tempfile.mkdtemp(prefix="pgsafe-", dir=demo.HOME))
        try:
            with benchmark.sample(float(size)) as source:
                held = int(source.query("SELECT pg_database_size(current_database())")[0][0])
                label = f"{held / 1e9:.1f} GB"
                runs[label] = int(counted or options.runs)
                results[label] = compare(source, backed_up(source, root), runs[label])
                results[label].update(rolled_back(source, root))
        finally:
            shutil.rmtree(root)
        print(table(f"\n{label}, medians of {runs[label]} runs, {os.cpu_count()} cores", results[label]), flush=True)
    save(results, runs)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (benchmark.BenchmarkError, demo.DemoError, pgserver.ServerError) as problem:
        print(f"restore_benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
