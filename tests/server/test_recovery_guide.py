# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guide for emergencies: each command of the page is run in its emergency, and prints what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    TREE,
    Database,
    databases,
    fenced,
    request,
    write_set,
)

PAGE = (TREE / "docs" / "guides" / "recovery.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d_.,:-]*[BKMG]?(?: (?:s|min|h|days?)\b)?")


@dataclass(frozen=True)
class Command:
    """A command of the page, and the lines that it prints there."""

    line: str
    printed: tuple[str, ...]


def _commands(section: str) -> Iterator[Command]:
    for block in _BLOCK.findall(section):
        for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _newline, printed = re.sub(r"\\\n\s*", "", text).partition("\n")
            yield Command(command, tuple(printed.splitlines()))


def _plain(line: str) -> str:
    """Numbers, sizes, times and directories differ from run to run."""
    return _NUMBER.sub("#", re.sub(r"(?<!\S)/[^\s,)]+", "/", line)).strip()


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


class Emergencies:
    """The server of the page: the database app, its backups, and what goes wrong before each section."""

    def __init__(self, ansible: Ansible, app: Database, backup_root: Path) -> None:
        self._ansible, self._app, self._root = ansible, app, backup_root
        self._hosts = {"db1": app.variables(backup_root)}
        self.harm: dict[str, Callable[[], object]] = {
            "Some rows or a table are damaged": lambda: app.sql("DELETE FROM orders WHERE id % 2 = 0"),
            "All data is lost": lambda: app.admin('DROP DATABASE "app" WITH (FORCE)'),
        }

    def run(self, command: Command) -> None:
        line = command.line.replace("/var/backups/pgsafe", str(self._root))
        line = line.replace("2026-11-16", f"{datetime.now(timezone.utc) + timedelta(days=1):%Y-%m-%d}")
        words = shlex.split(line)
        if words[0] == "psql":
            self._psql(words)
            return
        assert words[0] == "ansible-playbook", line
        assert words[2:6] == ["-i", "production", "-l", "db1"], line
        played = self._ansible.play(self._hosts, "-l", "db1", *words[6:], playbook=words[1])
        assert played.status == 0, played.output
        printed = {_plain(found) for found in played.output.splitlines()}
        missing = [said for said in command.printed if _plain(said) not in printed]
        assert not missing, f"{missing} of the page is not in:\n{played.output}"

    def _psql(self, words: list[str]) -> None:
        given = dict(zip(words[1::2], words[2::2]))
        assert set(given) <= {"-d", "-f", "-c"}, words
        self._app.called(given["-d"]).sql(given.get("-c") or f"\\i {given['-f']}")


@pytest.fixture
def app(database: Database) -> Iterator[Database]:
    """A database by the name that the page gives it."""
    before = databases(database.server)
    database.admin(f'CREATE DATABASE "app" TEMPLATE "{database.name}"')
    yield database.called("app")
    for name in databases(database.server) - before:
        database.admin(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.fault(41, 43)
def test_each_command_of_the_guide_does_what_the_page_says(ansible: Ansible, app: Database, backup_root: Path) -> None:
    taken = fenced(app, backup_root)
    migrate.run(request(app, taken, write_set(ansible.home / "set", GOOD)))
    emergencies = Emergencies(ansible, app, backup_root)
    before = app.sql("SELECT count(*) FROM orders")
    sections = _sections()
    assert set(emergencies.harm) <= set(sections)
    run = 0
    for title, text in sections.items():
        emergencies.harm.get(title, lambda: None)()
        for command in _commands(text):
            emergencies.run(command)
            run += 1
        assert app.sql("SELECT count(*) FROM orders") == before, title
    assert run == PAGE.count("\n$ ")
    assert run >= 9
