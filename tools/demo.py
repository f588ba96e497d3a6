"""Migrate the sample application's database on a server of its own: well, with a migration that breaks, or a fleet.

`run --set good` shows a migration that passes, `run --set broken` one that fails half-way and is rolled back; that
is a success only when the database is what it was before. `fleet` migrates two databases of staging, then two of
production. All that is made lies in .demo/.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pgserver

CHECKOUT = Path(__file__).resolve().parent.parent
HOME = CHECKOUT / ".demo"
EXAMPLE = CHECKOUT / "examples" / "community_connect"
DATABASE = "community_connect"
FLEETS = ("staging", "production")
# What the demonstration's server has otherwise than the servers of the fleets' inventories.
SERVER = "examples/community_connect/inventories/demo/group_vars/all/server.yml"
WIDTH = 80


class DemoError(Exception):
    """The demonstration did not show what it is for; the message says what was seen instead."""


@dataclass(frozen=True)
class Demo:
    """One run: which migration set, and whether a person is asked."""

    migration_set: str
    ask: bool
    server: pgserver.Server

    @property
    def backups(self) -> Path:
        """What PGSAFE_DEMO_BACKUPS is set to; in front of it the run's reports are found too."""
        return HOME / "backups"

    def environment(self) -> dict[str, str]:
        """Give what the sample inventory reads, and nothing of the caller's Ansible and libpq settings."""
        return {
            **clean_environment(),
            **ansible_settings(),
            "PGSAFE_DEMO_SOCKET": str(self.server.socket_dir),
            "PGSAFE_DEMO_PORT": str(self.server.port),
            "PGSAFE_DEMO_BIN": str(self.server.bin_dir),
            "PGSAFE_DEMO_BACKUPS": str(self.backups),
            "PGSAFE_DEMO_SET": self.migration_set,
        }

    def write_environment(self) -> Path:
        """Write what a shell reads to run the same command, and give its place."""
        settings = {name: value for name, value in self.environment().items() if os.environ.get(name) != value}
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
        programs = shlex.quote(str(Path(sys.executable).parent))
        file = HOME / "environment"
        file.write_text("".join([*lines, f"export PATH={programs}:$PATH\n"]), encoding="utf-8")
        return file


def ansible_settings() -> dict[str, str]:
    """Give the configuration that the README recommends, and the places of this checkout."""
    return {
        "ANSIBLE_CONFIG": str(CHECKOUT / "examples" / "ansible.cfg"),
        "ANSIBLE_HOME": str(HOME / "ansible" / "home"),
        "ANSIBLE_LOCAL_TEMP": str(HOME / "ansible" / "local"),
        "ANSIBLE_REMOTE_TMP": str(HOME / "ansible" / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(HOME / "collections"),
    }


def clean_environment() -> dict[str, str]:
    """The caller's environment without ANSIBLE_*, PG* and what would make Python import other code."""
    foreign = ("ANSIBLE_", "PG", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def say(text: str = "") -> None:
    """Print a paragraph of at most 80 columns; in front of what a child prints, not after it."""
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False), flush=True)


def heading(text: str) -> None:
    """Print a line that stands out."""
    print(f"\n== {text} ".ljust(WIDTH + 1, "="), flush=True)


def prepare(migration_set: str, *, ask: bool) -> Demo:
    """Start the server, create the database anew, and make the collection known to Ansible."""
    demo = started(migration_set, ask=ask)
    load(demo.server)
    return demo


def started(migration_set: str, *, ask: bool) -> Demo:
    """Start the server, and make the collection known to Ansible."""
    demo = Demo(migration_set, ask, pgserver.start(HOME))
    demo.backups.mkdir(mode=0o700, exist_ok=True)
    link_collection()
    return demo


def link_collection() -> None:
    """Make the checkout the collection pgsafe.migration, by a symbolic link below .demo/collections."""
    link = HOME / "collections" / "ansible_collections" / "pgsafe" / "migration"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(CHECKOUT, target_is_directory=True)


def databases(server: pgserver.Server, pattern: str) -> list[str]:
    """Give the names of the databases that match a pattern of LIKE."""
    return server.psql(f"SELECT datname FROM pg_database WHERE datname LIKE '{pattern}' ORDER BY 1").splitlines()


def load(server: pgserver.Server, members: int | None = None, database: str = DATABASE) -> None:
    """Create the sample database anew from schema.sql and the generator's rows, as many as it likes or `members`.

    Copies that earlier runs kept go too, so that each run begins alike.
    """
    drops = "SELECT format('DROP DATABASE %I WITH (FORCE);', datname) FROM pg_database WHERE datname ^@ '{}'"
    server.psql(server.psql(drops.format(database)))
    server.psql(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
    vector = server.psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"
    setting = "on" if vector else "off"
    run_psql(server, database, "-1", "-v", f"vector={setting}", "-f", str(EXAMPLE / "schema.sql"))
    generate(server, database, setting, members)
    loaded = server.psql("SELECT count(*) FROM community_members", database)
    say(f"The database {database} has {loaded} members.")


def psql_argv(server: pgserver.Server) -> list[str]:
    """Give the psql command that stops at the first error."""
    return [str(server.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]


def psql_environment(server: pgserver.Server, database: str = DATABASE) -> dict[str, str]:
    """Give the environment in which libpq's programs find a database of the server."""
    kept = {name: value for name, value in server.environment().items() if name.startswith("PG")}
    return {**clean_environment(), **kept, "PGDATABASE": database}


def run_psql(server: pgserver.Server, database: str, *arguments: str) -> None:
    """Run psql on a database. Raises DemoError with its words."""
    done = subprocess.run(
        [*psql_argv(server), *arguments],
        env=psql_environment(server, database),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(f"psql {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr}")


def generate(server: pgserver.Server, database: str, vector: str, members: int | None) -> None:
    """Pipe the generator's rows into psql, and read both exit statuses: rows cut short must not pass for all."""
    generator = [sys.executable, str(EXAMPLE / "generate.py"), "--vector", vector]
    generator += ["--members", str(members)] if members else []
    with subprocess.Popen(generator, stdout=subprocess.PIPE, env=clean_environment()) as rows:
        loaded = subprocess.run(
            psql_argv(server),
            stdin=rows.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=psql_environment(server, database),
            text=True,
            check=False,
        )
        if rows.stdout:
            rows.stdout.close()
    if rows.returncode != 0 or loaded.returncode != 0:
        raise DemoError(f"generate.py ended with {rows.returncode}, psql with {loaded.returncode}:\n{loaded.stderr}")


def play(demo: Demo, inventory: str = "demo", databases: tuple[str, ...] = (DATABASE,), more: object = None) -> int:
    """Run the playbook in this console, with more variables if they are given; give its exit status."""
    options = [("-i", f"examples/community_connect/inventories/{inventory}/hosts.yml")]
    if inventory in FLEETS:
        options.append(("-e", f"@{SERVER}"))
    if more:
        options.append(("-e", json.dumps(more)))
    say("Before it changes anything, the playbook asks a person, and only the answer yes goes on.")
    if not demo.ask:
        options.append(("-e", json.dumps({"pg_migrate_confirm": databases})))
        say("This demonstration runs unattended: its last option gives the answer beforehand.")
    lines = ["ansible-playbook playbooks/migrate.yml", *(shlex.join(option) for option in options)]
    print(f"\n$ source {relative(demo.write_environment())}\n$ " + " \\\n    ".join(lines) + "\n", flush=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    argv = [str(program), "playbooks/migrate.yml", *(word for option in options for word in option)]
    return subprocess.run(argv, cwd=CHECKOUT, env=demo.environment(), check=False).returncode


def fingerprint(demo: Demo) -> object:
    """Take the database's fingerprint: the one place that knows how.

    tools/fingerprint.py --json prints it; it is compared as a whole, never read. Raises DemoError with its words.
    """
    argv = [sys.executable, str(CHECKOUT / "tools" / "fingerprint.py"), "--json"]
    environment = {**psql_environment(demo.server), "PGSAFE_DEMO_BIN": str(demo.server.bin_dir)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"tools/fingerprint.py ended with status {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def shown(value: object) -> str:
    """Give a fingerprint's short form for the console."""
    tables = value.get("tables") if isinstance(value, dict) else None
    if isinstance(tables, dict):
        return f"{len(tables)} tables"
    return f"{len(json.dumps(value))} bytes of facts"


def show_success(demo: Demo) -> None:
    """Run the good set. Raises DemoError when the playbook does not end with 0."""
    status = play(demo)
    if status != 0:
        raise DemoError(f"The playbook ended with status {status}; the good migration should have passed.")
    heading("Migrated and verified")
    show_places(demo)
    heading("The same files once more: nothing is pending")
    if play(demo) != 0:
        raise DemoError("The second run should have found nothing to do.")
    heading("A month later: the directory has grown, and only the new file is applied")
    # What the first month's files were to do, and the tables that its rules looked at, are gone by now.
    more = {
        "pg_migrate_source": f"../../../../{grown().relative_to(CHECKOUT)}",
        "pg_migrate_verification": {},
        "pg_migrate_audit": {"rules_dir": "../../audit_rules/next_month"},
    }
    if play(demo, more=more) != 0:
        raise DemoError("The run with the new file should have passed.")


def grown() -> Path:
    """The directory of the good set with the file of the next month."""
    directory, sample = HOME / "migrations", CHECKOUT / "examples" / "community_connect" / "migrations"
    shutil.rmtree(directory, ignore_errors=True)
    for name in ("good", "next_month"):
        shutil.copytree(sample / name, directory, dirs_exist_ok=True)
    return directory


def show_failure(demo: Demo) -> None:
    """Run the broken set, and prove that it left the database as it was. Raises DemoError when it did not."""
    before = fingerprint(demo)
    say(f"Fingerprint before: {shown(before)}.")
    status = play(demo)
    heading("What the failure left")
    prove_unharmed(demo, before, status)
    say()
    say(
        "This failure was the point: the third file of the broken migration fails after two were committed. The "
        "database was put back, and the one that the migration had changed is kept for whoever wants to look at it."
    )
    show_places(demo)


def prove_unharmed(demo: Demo, before: object, status: int) -> None:
    """Check each promise and say so, all of them before the first broken one is raised."""
    after = fingerprint(demo)
    kept = databases(demo.server, "%failed%")
    answer = demo.server.psql("SELECT count(*) FROM community_members", DATABASE)
    checks = [
        (f"the playbook ended with status {status}, not 0", status != 0),
        (f"the fingerprint is the same as before ({shown(after)})", after == before),
        (f"the replaced database is kept: {', '.join(kept) or 'none'}", bool(kept)),
        (f"sessions can connect; they see {answer} members", answer.isdigit()),
    ]
    for text, holds in checks:
        say(f"  {'ok' if holds else 'NO'}  {text}")
    broken = [text for text, holds in checks if not holds]
    if broken:
        raise DemoError("This does not hold: " + "; ".join(broken))


def show_places(demo: Demo) -> None:
    """Say where everything is and how to look at it by hand."""
    latest = newest_backup(demo.backups)
    say()
    print(f"Backup directory:\n    {relative(latest or demo.backups)}")
    reports = sorted(path for path in (latest or demo.backups).glob("*") if path.suffix in {".txt", ".log", ".json"})
    if reports:
        print("Reports:")
        print("\n".join(f"    {relative(path)}" for path in reports))
    print("Look at the database:\n    " + " \\\n    ".join(psql_words(demo.server)))
    if latest and (latest / "SHA256SUMS").exists():
        print(f"Check the backup by hand:\n    cd {relative(latest)} && sha256sum -c SHA256SUMS")
    print("Stop the server and remove all of it:\n    make demo-clean", flush=True)


def psql_words(server: pgserver.Server) -> list[str]:
    """Give the parts of a command to paste. The socket's directory stays absolute: a relative one is a host name."""
    return [
        shlex.quote(relative(server.bin_dir / "psql")),
        f"-h {shlex.quote(str(server.socket_dir))} -p {server.port}",
        f"-U {pgserver.SUPERUSER} {DATABASE}",
    ]


def newest_backup(backups: Path) -> Path | None:
    """Give the newest directory with a manifest, or None: without a manifest it is no backup."""
    found = sorted(backups.glob("**/migration_*/manifest.json"), key=lambda path: path.stat().st_mtime)
    return found[-1].parent if found else None


def relative(path: Path) -> str:
    """Give a path below the checkout from there, and any other one in full."""
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)


def clean() -> None:
    """Stop the server, and remove .demo/ and what the server's user needed elsewhere."""
    if not HOME.exists():
        return
    pgserver.Server(pgserver.Installation(Path()), HOME).destroy()
    if HOME.exists():
        shutil.rmtree(HOME)
    say("The demonstration's server is stopped and .demo/ is removed.")


def run(migration_set: str, *, ask: bool) -> None:
    """Set up and show one of the two. Raises DemoError, or ServerError when there is no server to show it on."""
    heading(f"Community Connect: the {migration_set} migration")
    demo = prepare(migration_set, ask=ask)
    if migration_set == "good":
        show_success(demo)
    else:
        show_failure(demo)


def fleet() -> None:
    """Migrate the databases of staging, then those of production. Raises DemoError when one was not migrated."""
    demo = started("good", ask=False)
    (HOME / "promotion").mkdir(mode=0o700, exist_ok=True)
    for environment in FLEETS:
        heading(f"Community Connect: {environment}")
        databases = (f"community_{environment}_members", f"community_{environment}_archive")
        for database in databases:
            load(demo.server, database=database)
        status = play(demo, environment, databases)
        if status != 0:
            raise DemoError(f"The playbook ended with status {status} for {environment}.")
    say("Staging has proven the set and production followed, each by a canary first and the rest behind it.")
    print(
        f"Backup directories:\n    {relative(demo.backups)}\nStop the server and remove all of it:\n    make demo-clean"
    )


def main() -> int:
    """Run or clean; the exit status is 0 only when everything was as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="migrate the sample database")
    runner.add_argument("--set", choices=("good", "broken"), default="good", dest="migration_set")
    runner.add_argument("--ask", action="store_true", help="let the playbook ask you before it changes anything")
    commands.add_parser("fleet", help="migrate two databases of staging, then two of production")
    commands.add_parser("clean", help="stop the server and remove .demo/")
    arguments = parser.parse_args()
    try:
        if arguments.command == "run":
            run(arguments.migration_set, ask=arguments.ask)
        elif arguments.command == "fleet":
            fleet()
        else:
            clean()
    except (DemoError, pgserver.ServerError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
