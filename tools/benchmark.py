"""Compare the collection's backup with the usual ways, in one run, on the same data.

Contenders: (a) three commands one after another, as people write them into a script: `pg_dump -Fc`,
`pg_dump | gzip`, `\\copy` of every table; (b) `pg_dump -Fc` alone; (c) a raw COPY of every table, the least that
reading the data can cost; (d) community.postgresql's postgresql_db, where it is installed; and ours: three formats,
checksums, fingerprint, manifest.

Prints a table, writes benchmarks/backup.json and benchmarks/backup.svg, and with --gate ends with 1 when a bound is
broken. CPU is that of the clients and of the server's processes together.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import chart
import demo
import pgserver

CHECKOUT = Path(__file__).resolve().parent.parent
OUTPUT = CHECKOUT / "benchmarks"
HOME = CHECKOUT / ".demo" / "benchmark"
MEMBERS_PER_GB = 256_000
TABLES = """
SELECT format('%I.%I', n.nspname, c.relname), c.relkind
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1
"""


class BenchmarkError(Exception):
    """A contender failed, or a bound was broken."""


@dataclass(frozen=True)
class Source:
    """A database to back up: libpq's variables, the client tools, and the server's first process when it is ours."""

    environment: dict[str, str]
    bin_dir: Path
    postmaster: int | None

    def tool(self, name: str) -> str:
        """The path of a client tool."""
        return str(self.bin_dir / name)

    def query(self, sql: str) -> list[list[str]]:
        """Rows of a query, as text."""
        argv = [self.tool("psql"), "-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchmarkError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]


@dataclass(frozen=True)
class Figures:
    """One run: seconds of wall time, CPU and locked tables; bytes on disk and of our own process's peak memory."""

    wall: float
    cpu: float
    bytes: int
    memory: int
    locked: float


Contender = Callable[[Source, Path], tuple[int, float | None]]
"""Writes into the directory; gives the peak memory in bytes and the seconds tables were locked (None: all the time)."""


def run_all(commands: list[tuple[list[str], Path | None]], environment: dict[str, str]) -> int:
    """Run commands one after another, each one's output into a file or away; the peak memory of the largest."""
    peak = 0
    for argv, target in commands:
        with (target or Path(os.devnull)).open("wb") as output, tempfile.TemporaryFile() as said:
            process = subprocess.Popen(argv, env=environment, stdout=output, stderr=said, stdin=subprocess.DEVNULL)
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                said.seek(0)
                raise BenchmarkError(f"{argv[0]} ended with {process.returncode}: {said.read().decode()[-2000:]}")
            peak = max(peak, usage.ru_maxrss * 1024)
    return peak


def script_and_gzip(source: Source, target: Path) -> None:
    """`pg_dump | gzip`, with both exit statuses read."""
    with target.open("wb") as output:
        dump = subprocess.Popen([source.tool("pg_dump")], env=source.environment, stdout=subprocess.PIPE)
        packed = subprocess.run(["gzip"], stdin=dump.stdout, stdout=output, check=False)
        if dump.stdout:
            dump.stdout.close()
        if dump.wait() != 0 or packed.returncode != 0:
            raise BenchmarkError("pg_dump | gzip failed")


def copies(source: Source, options: str, directory: Path | None) -> list[tuple[list[str], Path | None]]:
    """A COPY of every table through psql."""
    listed: list[tuple[list[str], Path | None]] = []
    for number, (name, kind) in enumerate(source.query(TABLES)):
        what = f"(SELECT * FROM {name})" if kind == "p" else name
        argv = [source.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"COPY {what} TO STDOUT {options}"]
        listed.append((argv, directory / f"{number}.csv" if directory else None))
    return listed


def usual_way(source: Source, directory: Path) -> tuple[int, float | None]:
    """Contender (a)."""
    archive = [source.tool("pg_dump"), "-Fc", "-f", str(directory / "full_backup.dump")]
    run_all([(archive, None)], source.environment)
    script_and_gzip(source, directory / "full_backup.sql.gz")
    return run_all(copies(source, "WITH (FORMAT csv, HEADER)", directory), source.environment), None


def bare_dump(source: Source, directory: Path) -> tuple[int, float | None]:
    """Contender (b)."""
    archive = [source.tool("pg_dump"), "-Fc", "-f", str(directory / "full_backup.dump")]
    return run_all([(archive, None)], source.environment), None


def raw_copy(source: Source, _directory: Path) -> tuple[int, float | None]:
    """Contender (c)."""
    return run_all(copies(source, "", None), source.environment), None


def community(source: Source, directory: Path) -> tuple[int, float | None]:
    """Contender (d)."""
    names = {"login_unix_socket": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "name": "PGDATABASE"}
    options = " ".join(f"{option}={source.environment[name]}" for option, name in names.items())
    options += f" state=dump target={directory / 'dump.sql.gz'}"
    program = str(Path(sys.executable).with_name("ansible"))
    argv = [program, "localhost", "-m", "community.postgresql.postgresql_db", "-a", options]
    environment = {**source.environment, "PATH": f"{source.bin_dir}:{os.environ['PATH']}"}
    return run_all([([*argv, "-e", f"ansible_python_interpreter={sys.executable}"], None)], environment), None


def ours(source: Source, directory: Path) -> tuple[int, float | None]:
    """The collection's backup, in a process of its own; only that one's memory counts, not pg_dump's."""
    argv = [sys.executable, str(CHECKOUT / "tools" / "one_backup.py"), str(directory), str(source.bin_dir)]
    done = subprocess.run(argv, env=source.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(done.stderr)
    said = json.loads(done.stdout)
    return int(said["memory"]), float(said["snapshot_held"])


def contenders() -> dict[str, Contender]:
    """All that can be run here, in the order of the table."""
    found: dict[str, Contender] = {
        "ours: three formats, proven sums": ours,
        "(a) three commands": usual_way,
        "(b) pg_dump -Fc": bare_dump,
        "(c) raw COPY": raw_copy,
    }
    argv = [str(Path(sys.executable).with_name("ansible-doc")), "community.postgresql.postgresql_db"]
    if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
        found["(d) postgresql_db"] = community
    return found


def server_cpu(postmaster: int | None) -> float:
    """Seconds of CPU that the server's processes that have ended took; 0 for a server that is not ours."""
    if postmaster is None:
        return 0.0
    fields = Path(f"/proc/{postmaster}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def client_cpu() -> float:
    """Seconds of CPU of our children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def measure(contender: Contender, source: Source) -> Figures:
    """One run in a fresh directory, which is removed."""
    HOME.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=HOME))
    try:
        cpu, started = client_cpu() + server_cpu(source.postmaster), time.monotonic()
        memory, locked = contender(source, directory)
        wall = time.monotonic() - started
        cpu = client_cpu() + server_cpu(source.postmaster) - cpu
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
        return Figures(wall, cpu, size, memory, wall if locked is None else locked)
    finally:
        shutil.rmtree(directory)


def median(runs: list[Figures]) -> Figures:
    """The median of each figure."""
    names = ("wall", "cpu", "bytes", "memory", "locked")
    values = {name: statistics.median(getattr(run, name) for run in runs) for name in names}
    return Figures(values["wall"], values["cpu"], int(values["bytes"]), int(values["memory"]), values["locked"])


def compare(source: Source, runs: int) -> dict[str, Figures]:
    """Every contender, in turn, several times; medians. The first round, which warms the caches, is not counted."""
    found: dict[str, list[Figures]] = {name: [] for name in contenders()}
    for number in range(runs + 1):
        for name, contender in contenders().items():
            if number == 0 and contender is not raw_copy:
                continue
            figures = measure(contender, source)
            if number:
                found[name].append(figures)
    return {name: median(measured) for name, measured in found.items()}


@contextmanager
def sample(gigabytes: float, wal_level: str = "replica") -> Iterator[Source]:
    """The sample application's database, scaled, on a server of its own."""
    home = HOME / "server"
    server = pgserver.start(home)
    try:
        server.psql(f"ALTER SYSTEM SET wal_level = {wal_level}")
        server.restart()
        demo.load(server, members=int(MEMBERS_PER_GB * gigabytes))
        server.psql("CHECKPOINT")
        pid = int((server.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        yield Source(demo.psql_environment(server), server.bin_dir, pid)
    finally:
        server.destroy()


def given(url: str) -> Source:
    """A database of the user's."""
    program = shutil.which("psql")
    if program is None:
        raise BenchmarkError("There is no psql on PATH.")
    sys.path.insert(0, str(demo.HOME / "collections"))
    from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
    from ansible_collections.pgsafe.migration.plugins.module_utils.ports import database

    environment = database.environment(arguments.target({"login_url": url}))
    return Source({**demo.clean_environment(), **environment}, Path(program).parent, None)


def table(title: str, measured: dict[str, Figures]) -> str:
    """The figures and their ratios to (a), 100 columns wide."""
    base = measured["(a) three commands"]
    lines = [title, f"{'':<34}{'wall':>9}{'ratio':>7}{'CPU':>9}{'bytes':>9}{'ratio':>7}{'memory':>9}{'locked':>9}"]
    for name, one in measured.items():
        lines.append(
            f"{name:<34}{one.wall:>7.2f} s{one.wall / base.wall:>7.2f}{one.cpu:>7.2f} s"
            f"{one.bytes / 1e6:>7.0f}MB{one.bytes / base.bytes:>7.2f}{one.memory / 1e6:>7.0f}MB{one.locked:>7.2f} s"
        )
    return "\n".join(lines)


def broken_bounds(results: dict[str, dict[str, Figures]], sizes: dict[str, int]) -> list[str]:
    """What was promised and not kept."""
    broken = []
    for label, measured in results.items():
        us, usual, raw = (measured[name] for name in [*list(measured)[:2], "(c) raw COPY"])
        checks = {
            f"{label}: wall time {us.wall / usual.wall:.2f} of (a), at most 0.20": us.wall <= 0.20 * usual.wall,
            f"{label}: bytes {us.bytes / usual.bytes:.2f} of (a), at most 1.15": us.bytes <= 1.15 * usual.bytes,
            f"{label}: locked {us.locked / raw.wall:.1f} times (c), at most 4": us.locked <= 4 * raw.wall,
            f"{label}: memory {us.memory / 1e6:.0f} MB, at most 100": us.memory <= 100e6,
        }
        # The smallest size is mostly the start of processes; the promise is about data.
        broken += [text for text, kept in checks.items() if not kept and sizes[label] > 300e6]
    return broken + _not_linear(results, sizes)


def _not_linear(results: dict[str, dict[str, Figures]], sizes: dict[str, int]) -> list[str]:
    large = sorted((label for label in results if sizes[label] > 300e6), key=sizes.__getitem__)
    if len(large) < 2:
        return []
    small, big = large[0], large[-1]
    name = next(iter(results[small]))
    growth = results[big][name].wall / results[small][name].wall
    expected = sizes[big] / sizes[small]
    told = f"time grew {growth:.1f} times while the data grew {expected:.1f} times"
    return [] if growth <= 1.25 * expected else [told]


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0.1,0.4,1.6", help="gigabytes of the sample, by commas; 1.6x1 is run once")
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each contender, unless the size says it")
    parser.add_argument("--url", help="a database of your own instead; it is only read")
    parser.add_argument("--gate", action="store_true", help="end with 1 when a bound is broken")
    options = parser.parse_args()
    demo.HOME.mkdir(exist_ok=True)
    demo.link_collection()
    results, sizes, runs = {}, {}, {}
    for wanted in ["0"] if options.url else options.sizes.split(","):
        size, _x, counted = wanted.partition("x")
        runs[wanted] = int(counted or options.runs)
        with sample(float(size)) if not options.url else _as_context(given(options.url)) as source:
            held = int(source.query("SELECT pg_database_size(current_database())")[0][0])
            label = f"{held / 1e9:.1f} GB"
            results[label], sizes[label] = compare(source, runs[wanted]), held
        title = f"\n{label}, medians of {runs[wanted]} runs, {os.cpu_count()} cores"
        print(table(title, results[label]), flush=True)
    save(results, sizes, runs)
    broken = broken_bounds(results, sizes) if options.gate else []
    print("\n".join(f"BROKEN: {text}" for text in broken) or "\nEvery bound is kept." if options.gate else "")
    return 1 if broken else 0


@contextmanager
def _as_context(source: Source) -> Iterator[Source]:
    yield source


def save(results: dict[str, dict[str, Figures]], sizes: dict[str, int], runs: dict[str, int]) -> None:
    """The same figures for programs, and as a picture."""
    OUTPUT.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "runs": runs}
    figures = {label: {name: asdict(one) for name, one in measured.items()} for label, measured in results.items()}
    text = json.dumps({"machine": machine, "database_bytes": sizes, "medians": figures}, indent=2)
    (OUTPUT / "backup.json").write_text(text + "\n", encoding="utf-8")
    seconds = {label: {name: one.wall for name, one in measured.items()} for label, measured in results.items()}
    (OUTPUT / "backup.svg").write_text(chart.bars("Seconds to back up", seconds), encoding="utf-8")
    print("\nWritten: benchmarks/backup.json, benchmarks/backup.svg")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchmarkError, demo.DemoError, pgserver.ServerError) as problem:
        print(f"benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
