"""Compare plays over 1, 10 and 30 databases, with 1, 5 and 10 forks, with the sum of single runs; all in one run.

Every database is empty, so that a run costs what surrounds the data: Ansible's start of each module, the processes of
the guard, PostgreSQL's of the backup and of its proof. The hosts are one batch (`pg_migrate_serial: 100%`), on a local
connection, on one server.

Prints for each play the seconds, their share of so many single runs, and the CPU seconds that the whole machine used
for each host: server, guards and Ansible alike, from /proc/stat, so other work is counted too. Then it prints where the
seconds of a single run go, by step, beside what a task costs that does nothing. Writes benchmarks/fleet.json. With
--gate it fails where 30 databases with 10 forks take more than 0.35 of the sum, unless the cores are the limit, and
where each takes the CPU of more than 42 tasks that do nothing.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import benchmark
import demo
import pgserver

LIMIT_SHARE = 0.35
# A machine that is as busy as this cannot do the same work sooner with more forks.
BUSY = 0.85
# The CPU of a database, in tasks that do nothing, so that it is the same on another machine; it was 55 once.
LIMIT_TASKS = 42
PLAYS = ((1, 1), (10, 1), (10, 5), (10, 10), (30, 1), (30, 5), (30, 10))
SINGLE_RUNS = 3
IDLE_TASKS = 10


@dataclass(frozen=True)
class Play:
    """What one play over a fleet took."""

    databases: int
    forks: int
    seconds: float
    cpu_seconds: float

    @property
    def busy(self) -> float:
        """The share of the machine's cores that was used, 0 to 1."""
        return self.cpu_seconds / self.seconds / (os.cpu_count() or 1)

    def share(self, single: float) -> float:
        """Its seconds in so many runs of `single` seconds."""
        return self.seconds / (single * self.databases)


@dataclass(frozen=True)
class Bench:
    """A server, a directory, more variables of every host, and the ways to run a play there."""

    server: pgserver.Server
    place: Path
    variables: dict[str, Any]

    def play(self, databases: int, forks: int) -> Play:
        """Migrate so many fresh databases. Raises BenchmarkError when one was not migrated."""
        self._create(databases)
        seconds, cpu = self._run(demo.CHECKOUT / "playbooks" / "migrate.yml", self._hosts(databases), forks)
        if (found := self.report()["verdicts"]) != {"migrated": databases}:
            raise benchmark.BenchmarkError(f"{databases} databases should have been migrated: {found}")
        return Play(databases, forks, seconds, cpu)

    def idle(self) -> float:
        """The seconds that a task costs that does nothing, of Ansible's own modules."""
        one, many = (self._idle_play(tasks) for tasks in (1, 1 + IDLE_TASKS))
        return (many - one) / IDLE_TASKS

    def report(self) -> Any:
        """The report of the newest play."""
        newest = max((self.place / "controller" / "reports").glob("**/report.json"), key=os.path.getmtime)
        return json.loads(newest.read_text(encoding="utf-8"))

    def _idle_play(self, tasks: int) -> float:
        book = self.place / "idle.yml"
        play = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": None}] * tasks}
        book.write_text(json.dumps([play]), encoding="utf-8")
        return self._run(book, self._hosts(1), 1)[0]

    def _create(self, databases: int) -> None:
        drops = "SELECT format('DROP DATABASE %I WITH (FORCE);', datname) FROM pg_database WHERE datname ^@ 'fleet'"
        self.server.psql(self.server.psql(drops))
        for number in range(1, databases + 1):
            self.server.psql(f"CREATE DATABASE fleet_{number:02} TEMPLATE template0")
        self.server.psql("CHECKPOINT")

    def _hosts(self, databases: int) -> dict[str, Any]:
        numbers = [f"{number:02}" for number in range(1, databases + 1)]
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "pg_migrate_connection": {
                "login_user": pgserver.SUPERUSER,
                "login_unix_socket": str(self.server.socket_dir),
                "login_port": self.server.port,
                "bin_dir": str(self.server.bin_dir),
            },
            # A guard of the play before may still be about to end.
            "pg_migrate_backup_root": tempfile.mkdtemp(prefix="backups-", dir=self.place),
            "pg_migrate_controller_dir": str(self.place / "controller"),
            "pg_migrate_source": str(self.place / "migrations"),
            "pg_migrate_confirm": [f"fleet_{number}" for number in numbers],
            "pg_migrate_serial": "100%",
            **self.variables,
        }
        hosts = {f"db{number}": {"pg_migrate_db": f"fleet_{number}"} for number in numbers}
        return {"all": {"hosts": hosts, "vars": common}}

    def _run(self, book: Path, inventory: dict[str, Any], forks: int) -> tuple[float, float]:
        (self.place / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
        program = Path(sys.executable).with_name("ansible-playbook")
        argv = [str(program), str(book), "-i", str(self.place / "hosts.json"), "--forks", str(forks)]
        environment = {**demo.clean_environment(), **demo.ansible_settings()}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        started, used = time.monotonic(), cpu_seconds()
        done = subprocess.run(argv, cwd=self.place, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise benchmark.BenchmarkError(f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}")
        return time.monotonic() - started, cpu_seconds() - used


def cpu_seconds() -> float:
    """What all cores of the machine have worked since it was started."""
    user, nice, system, _idle, _waiting, interrupts, soft = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def bench(place: Path, variables: dict[str, Any]) -> Bench:
    """A server with room for thirty runs at once, and a migration set of one file.

    :param variables: of every host.
    """
    server = pgserver.start(place / "server")
    server.psql("ALTER SYSTEM SET max_connections = 300")
    server.restart()
    (place / "migrations").mkdir()
    (place / "migrations" / "001_notes.sql").write_text("CREATE TABLE notes (id bigint PRIMARY KEY, text text);\n")
    return Bench(server, place, variables)


def single(of: Bench) -> tuple[Play, list[dict[str, Any]]]:
    """The median of single runs, and the steps of the run that it is from."""
    runs = [(of.play(1, 1), of.report()["hosts"][0]["steps"]) for _run in range(SINGLE_RUNS)]
    middle = statistics.median_low(play.seconds for play, _steps in runs)
    return next(run for run in runs if run[0].seconds == middle)


def told(play: Play, of: Play) -> str:
    """A line of the table."""
    cpu = play.cpu_seconds / play.databases
    numbers = f"{play.databases:>9}{play.forks:>7}{play.seconds:>10.1f}{play.share(of.seconds):>8.2f}"
    return f"{numbers}{cpu:>11.1f}{play.busy:>8.0%}"


def where(steps: list[dict[str, Any]], idle: float) -> str:
    """Where the seconds of a single run go."""
    lines = [f"  {step['step']:<12}{step['seconds']:>6.1f} s" for step in steps]
    return "\n".join(["A single run, by step:", *lines, f"A task that does nothing takes {idle:.2f} s."])


def measured(plays: list[tuple[int, int]], variables: dict[str, Any]) -> tuple[list[Play], list[dict[str, Any]], float]:
    """Every play, the steps of a single run, and the seconds of a task that does nothing; printed as well."""
    demo.HOME.mkdir(exist_ok=True)
    demo.link_collection()
    place = Path(tempfile.mkdtemp(prefix="pgsafe-", dir=demo.HOME))
    of = bench(place, variables)
    try:
        alone, steps = single(of)
        print(f"{'databases':>9}{'forks':>7}{'seconds':>10}{'share':>8}{'CPU s/host':>11}{'busy':>8}", flush=True)
        found = [alone]
        print(told(alone, alone), flush=True)
        for databases, forks in plays:
            found.append(of.play(databases, forks))
            print(told(found[-1], alone), flush=True)
        idle = of.idle()
        print(where(steps, idle), flush=True)
    finally:
        of.server.destroy()
        shutil.rmtree(place)
    return found, steps, idle


def save(plays: list[Play], steps: list[dict[str, Any]], idle: float) -> None:
    """The same figures for programs."""
    benchmark.OUTPUT.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    rounded = [asdict(replace(play, seconds=round(play.seconds, 2))) for play in plays]
    text = json.dumps({"machine": machine, "plays": rounded, "steps": steps, "idle_task_seconds": idle}, indent=2)
    (benchmark.OUTPUT / "fleet.json").write_text(text + "\n", encoding="utf-8")
    print("\nWritten: benchmarks/fleet.json")


def held_up(plays: list[Play], idle: float) -> bool:
    """Whether the largest play took longer than it may and not for want of cores, or needs too much of them."""
    largest = plays[-1]
    share, tasks = largest.share(plays[0].seconds), largest.cpu_seconds / largest.databases / idle
    print(f"{largest.databases} databases with {largest.forks} forks: {share:.2f} of single runs; limit {LIMIT_SHARE}.")
    print(f"CPU of each database, in tasks that do nothing: {tasks:.0f}; limit {LIMIT_TASKS}.")
    return (share > LIMIT_SHARE and largest.busy < BUSY) or tasks > LIMIT_TASKS


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plays", default="", help="databases x forks by commas, as 10x5; all by default")
    parser.add_argument("--vars", type=Path, help="JSON with variables of every host, as for ssh")
    parser.add_argument("--gate", action="store_true", help="fail beyond the limit")
    options = parser.parse_args()
    wanted = [tuple(map(int, play.split("x"))) for play in options.plays.split(",") if play]
    variables = json.loads(options.vars.read_text(encoding="utf-8")) if options.vars else {}
    plays, steps, idle = measured([(play[0], play[1]) for play in wanted or PLAYS[1:]], variables)
    if not variables:
        save(plays, steps, idle)
    return int(held_up(plays, idle) and options.gate)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (benchmark.BenchmarkError, demo.DemoError, pgserver.ServerError) as problem:
        print(f"fleet_benchmark: {problem}", file=sys.stderr)
        sys.exit(1)
