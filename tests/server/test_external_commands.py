# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrations by Alembic and by Django: applied, or interrupted in the middle with nothing of them left.

Each tool's own history says what is pending, and which version the database has.
"""

from __future__ import annotations

import shutil
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.console import migrate as console
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import tool as versions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.tests.server.guarding import Guarded, guarded
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    EXAMPLES,
    SLEEPING,
    Database,
    fenced,
    planned,
    proven,
    request,
    rolled_back,
    until,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import CTRL_C, terminal
from ansible_collections.pgsafe.migration.tests.server.test_guard import require_whole, runs

# Commits a part of its work, starts a process that leaves its group, and then goes on for long.
HALF = "UPDATE customers SET note = 'half'"

ALEMBIC = f"""
import subprocess
from alembic import op

revision, down_revision = "0003", "0002"

def upgrade():
    with op.get_context().autocommit_block():
        op.execute("{HALF}")
        subprocess.Popen(["setsid", "sleep", "SECONDS"])
        op.execute("SELECT pg_sleep(600)")
"""

DJANGO = f"""
import subprocess
from django.db import migrations

def start(*_given):
    subprocess.Popen(["setsid", "sleep", "SECONDS"])

class Migration(migrations.Migration):
    atomic = False
    dependencies = (("notes", "0002_when"),)
    operations = (
        migrations.RunSQL("{HALF}"),
        migrations.RunPython(start),
        migrations.RunSQL("SELECT pg_sleep(600)"),
    )
"""


def seconds(place: Path) -> str:
    """For so long sleeps what a test's command has started, and what no other one has."""
    return str(86400 + zlib.crc32(str(place).encode()) % 10**6)


@dataclass(frozen=True)
class Tool:
    """A project as a user has one, and what makes its migration a slow one."""

    project: str
    argv: tuple[str, ...]
    slow: Mapping[str, str]
    tables: str
    next_one: Mapping[str, str]
    versions: tuple[str, str]
    asks: str

    def laid_out(self, place: Path, slow: bool) -> Path:
        found = place / self.project
        shutil.copytree(EXAMPLES / self.project, found, ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in self.slow.items() if slow else ():
            (found / name).write_text(text.replace("SECONDS", seconds(place)))
        return found

    def planned(self, database: Database, project: Path) -> migrate.Plan:
        source = SetSource(command=(sys.executable, *self.argv), chdir=str(project))
        return planned(database, source, chdir=str(project), database_url=True)

    def options(self, project: Path) -> dict[str, Any]:
        return {
            "command": [sys.executable, *self.argv],
            "command_tree": str(project),
            "chdir": str(project),
            "database_url": True,
        }


TOOLS = [
    Tool(
        "with_alembic",
        ("-m", "alembic", "upgrade", "head"),
        {"migrations/versions/0003_slow.py": ALEMBIC},
        "alembic_version,notes",
        {"migrations/versions/0003_next.py": 'revision, down_revision = "0003", "0002"\ndef upgrade(): pass\n'},
        ("Alembic none -> 0002 (public.alembic_version)", "Alembic 0002 (public.alembic_version)"),
        "alembic current --check-heads",
    ),
    Tool(
        "with_django",
        ("manage.py", "migrate", "--no-input"),
        {"notes/migrations/0003_slow.py": DJANGO},
        "django_migrations,notes_note",
        {
            "notes/migrations/0003_next.py": "from django.db.migrations import Migration\n"
            "class Migration(Migration):\n    dependencies = [('notes', '0002_when')]\n"
        },
        (
            "Django none -> notes.0002_when (2 applied) (public.django_migrations)",
            "Django notes.0002_when (2 applied) (public.django_migrations)",
        ),
        "manage.py migrate --no-input --plan --check",
    ),
]
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.project)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "backups"
    found.mkdir(mode=0o700)
    return found


def in_the_middle(database: Database, job: Guarded, place: Path) -> None:
    def there() -> bool:
        assert job.channel.result() is None, job.channel.result()
        return database.admin(SLEEPING.format(database.name)) == "1"

    until(there, "the command is in the middle of its work")
    until(lambda: runs("sleep", seconds(place)), "what the command has started beside it is at work")


@each_tool
@pytest.mark.every_major
def test_a_migration_by_a_tool_runs_when_the_tool_has_something_pending(
    database: Database, root: Path, tmp_path: Path, tool: Tool
) -> None:
    project = tool.laid_out(tmp_path, slow=False)
    before = tool.planned(database, project)
    assert (before.pending, before.version) == (True, "none")
    assert before.asked.endswith(tool.asks)
    with guarded(database, fenced(database, root), **tool.options(project)) as job:
        result = job.over()
    assert result.get("verdict") == "migrated", (result, job.journal.log())
    made = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND '{}' ~ relname"
    assert database.sql(made.format(tool.tables)) == tool.tables
    moved, version = tool.versions
    report = (Path(job.journal.backup_dir) / "verification_report.txt").read_text()
    assert f"Version, before and after [✓] {moved}" in " ".join(report.split())
    assert f"[✓] Version: {moved}" in result["console"]
    facts = {entry.event: entry.facts for entry in job.journal.entries()}
    assert (facts[Event.ARMED]["version"], facts[Event.MIGRATED]["version"]) == ("none", version)
    after = tool.planned(database, project)
    assert (after.pending, after.version) == (False, version)
    # The words of the command, which its digest is taken of, are the same as before.
    for name, text in tool.next_one.items():
        (project / name).write_text(text)
    assert tool.planned(database, project).pending


@each_tool
@pytest.mark.fault(61)
@pytest.mark.fault(72)
def test_a_tool_that_is_broken_off_leaves_neither_processes_nor_sessions_nor_half_of_its_work(
    database: Database, root: Path, tmp_path: Path, tool: Tool
) -> None:
    before = database.fingerprint()
    with guarded(database, fenced(database, root), **tool.options(tool.laid_out(tmp_path, slow=True))) as job:
        in_the_middle(database, job, tmp_path)
        job.channel.abort("Somebody pressed Ctrl+C.")
        result = job.over()
    assert result["verdict"] == "rolled_back", result
    assert not runs("sleep", seconds(tmp_path))
    require_whole(database, before)


@each_tool
@pytest.mark.fault(64)
def test_a_tool_whose_worker_was_killed_leaves_as_little(
    database: Database, root: Path, tmp_path: Path, tool: Tool
) -> None:
    before = database.fingerprint()
    with guarded(database, fenced(database, root), **tool.options(tool.laid_out(tmp_path, slow=True))) as job:
        in_the_middle(database, job, tmp_path)
        job.kill("work")
        result = job.over()
    assert result["verdict"] == "rolled_back", result
    assert not runs("sleep", seconds(tmp_path))
    require_whole(database, before)


@pytest.mark.long
@pytest.mark.fault(61)
def test_ctrl_c_during_a_migration_by_alembic_in_a_play(
    ansible: Ansible, database: Database, root: Path, tmp_path: Path
) -> None:
    before, (tool, _other) = database.fingerprint(), TOOLS
    given = tool.options(tool.laid_out(tmp_path, slow=True))
    command = {"argv": given.pop("command"), "tree": given.pop("command_tree"), **given}
    argv = ["ansible-playbook", "pgsafe.migration.migrate", "-i"]
    own = {"pg_migrate_command": command, "pg_migrate_confirm": database.name}
    hosts = {"one": {**database.variables(root), **own}}
    with terminal(ansible, [*argv, ansible.inventory(hosts)]) as play:
        until(lambda: play.ended() or database.admin(SLEEPING.format(database.name)) == "1", "the command is at work")
        play.type(CTRL_C)
        assert play.wait() == 2, play.said
    assert "one rolled back: the database is as it was before" in play.flat
    assert not runs("sleep", seconds(tmp_path))
    require_whole(database, before)


def runs_and_backups(root: Path) -> list[str]:
    return sorted(path.name for path in [*root.glob(".runs/*"), *root.glob("*/*")])


def psql(database: Database, sql: str) -> tuple[str, ...]:
    return (str(database.server.bin_dir / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql)


def asking(database: Database, sql: str, text: str) -> dict[str, Any]:
    return {"tool_options": versions.options("", psql(database, sql), text)}


def test_what_is_asked_runs_as_the_command_would_and_may_not_write(database: Database) -> None:
    database.admin("CREATE ROLE guest")
    as_guest = replace(database.target, session_role="guest")
    shown = "SELECT current_user, current_setting('default_transaction_read_only'), current_setting('lock_timeout')"
    command = SetSource(command=("true",))
    asked = asking(database, shown, r"^guest\|on\|10s$")
    assert planned(database, command, target=as_guest, **asked).pending
    assert not planned(database, command, **asked).pending
    database.admin("DROP ROLE guest")
    with pytest.raises(Refused, match="cannot execute CREATE TABLE in a read-only transaction"):
        planned(database, command, **asking(database, "CREATE TABLE made ()", "never"))
    assert database.sql("SELECT to_regclass('made') IS NULL") == "t"


def test_a_version_that_stays_is_warned_of_and_a_rollback_takes_it_back(database: Database, root: Path) -> None:
    database.sql("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('A')")
    stays = SetSource(command=psql(database, "ALTER TABLE customers ADD grade integer"))
    done = migrate.run(replace(request(database, proven(database, root), root), source=stays))
    assert done.verdict == "migrated"
    warning = "The command succeeded, but the version is as before: Alembic A (public.alembic_version)."
    assert done.verification is not None
    assert warning in done.verification.found.warnings
    assert f"[warning] {warning}" in console.migrate(done)
    harms = SetSource(command=psql(database, "UPDATE alembic_version SET version_num = 'B'; DELETE FROM orders"))
    failure = rolled_back(replace(request(database, proven(database, root), root), source=harms), database)
    assert [(it.before, it.after) for it in failure.outcome.versions] == [("A", "B")]
    assert [it.text for it in versions.versions(database.target, versions.options(""), "look")] == ["A"]


@pytest.mark.long
def test_a_play_says_the_version_and_does_nothing_when_the_tool_has_nothing_pending(
    ansible: Ansible, database: Database, root: Path, tmp_path: Path
) -> None:
    alembic, _other = TOOLS
    given = alembic.options(alembic.laid_out(tmp_path, slow=False))
    command = {"argv": given.pop("command"), "tree": given.pop("command_tree"), **given}
    hosts = {"one": {**database.variables(root), "pg_migrate_command": command}}
    played = ansible.ask(hosts, "yes\n")
    assert played.verdict("one").startswith("migrated"), played.output
    assert "To be applied: " in played.output
    assert "\n    Version: none\n" in played.output
    assert "[✓] Version: Alembic none -> 0002 (public.alembic_version)" in played.flat
    there = runs_and_backups(root)
    again = ansible.play(hosts, "-e", f"pg_migrate_confirm={database.name}")
    assert again.verdict("one").startswith("unchanged"), again.output
    assert "current --check-heads says so [info] Version: Alembic 0002 (public.alembic_version)" in again.flat
    assert runs_and_backups(root) == there
    shown = ansible.play(hosts, playbook="pgsafe.migration.info")
    assert "[info] Version: Alembic 0002 (public.alembic_version)" in shown.flat
