# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrations by Alembic and by Django: applied, or interrupted in the middle with nothing of them left."""

from __future__ import annotations

import shutil
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.tests.server.guarding import Guarded, guarded
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    EXAMPLES,
    SLEEPING,
    Database,
    fenced,
    planned,
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

    def laid_out(self, place: Path, slow: bool) -> Path:
        found = place / self.project
        shutil.copytree(EXAMPLES / self.project, found, ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in self.slow.items() if slow else ():
            (found / name).write_text(text.replace("SECONDS", seconds(place)))
        return found

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
    ),
    Tool(
        "with_django",
        ("manage.py", "migrate", "--no-input"),
        {"notes/migrations/0003_slow.py": DJANGO},
        "django_migrations,notes_note",
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
def test_a_migration_by_a_tool_is_applied_once(database: Database, root: Path, tmp_path: Path, tool: Tool) -> None:
    project = tool.laid_out(tmp_path, slow=False)
    with guarded(database, fenced(database, root), **tool.options(project)) as job:
        result = job.over()
    assert result.get("verdict") == "migrated", (result, job.journal.log())
    made = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND '{}' ~ relname"
    assert database.sql(made.format(tool.tables)) == tool.tables
    again = SetSource(command=(sys.executable, *tool.argv), tree=project, chdir=str(project))
    assert not planned(database, again).pending


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
