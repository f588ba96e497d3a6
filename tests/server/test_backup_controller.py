# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a real backup on the controller, read in ranges over Ansible's connection: whole, or no backups."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import carried_source, places
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.places import Copied, Place
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import stored
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition
from ansible_collections.pgsafe.migration.tests.server.copies import (
    contents,
    dies,
    directory,
    python_without,
    under,
)
from ansible_collections.pgsafe.migration.tests.server.forgery import flip_at, verified
from ansible_collections.pgsafe.migration.tests.server.matrix import BECOME, LOCAL, PIPED, Setting, settings
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, TREE, Database, back_up, write_set

# So that a file of the sample takes several.
RANGE = 5000

KEY = pyrage.x25519.Identity.generate()
PAGE = (TREE / "docs" / "backup_places.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## The controller\n")[2].partition("\n## ")[0]
_BLOCK = re.compile(r"^```console\n\$ (.*?)^```$", re.MULTILINE | re.DOTALL)
# The commands of each block, a line each.
ON_THE_CONTROLLER, BACK, BACK_WITH_THE_KEY = (
    re.sub(r"\\\n\s*", "", block).strip().split("\n$ ") for block in _BLOCK.findall(SECTION)
)


def copied(backup: Path, top: Path) -> Copied:
    """As the action plugin does it, which reads through a module."""
    source = carried_source.of_description(
        carried_source.described(backup), lambda name, offset: carried_source.read(backup, name, offset, RANGE)
    )
    return places.tried(Place(top / "db1", on_controller=True), source, foreseen=False)


# What changes a place, and reads the backup.
STEPS = ((os, "mkdir"), (os, "rename"), (Journal, "append"), (files, "read_range"))


@pytest.mark.fault(47)
def test_a_copy_that_is_killed_behind_any_step_is_whole_or_no_backup_and_the_next_one_finishes_it(
    backup: Path, tmp_path: Path
) -> None:
    for behind in range(1, 300):
        top = directory(tmp_path, f"{behind}")
        dead = dies(partial(copied, backup, top), STEPS, behind)
        copy = top / "db1" / backup.parent.name / backup.name
        if (copy / manifests.MANIFEST).exists():
            assert contents(copy) == contents(backup)
        elif (top / "db1").exists():
            assert [of.condition for of in stored.all_of(top / "db1")] in ([], [Condition.UNFINISHED])
        assert copied(backup, top).problem == ""
        assert [of.condition for of in stored.all_of(top / "db1")] == [Condition.COMPLETE]
        assert contents(copy) == contents(backup)
        files.remove_tree(top)
        if not dead:
            break
    assert 30 < behind < 299


def test_what_changes_on_the_target_while_it_is_copied_leaves_no_backup(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, read_range = directory(tmp_path, "top"), files.read_range
    script = backup / manifests.SCRIPT
    whole = script.read_bytes()

    def cut(path: Path, offset: int, size: int) -> bytes:
        script.write_bytes(whole[:-1])
        return read_range(path, offset, size)

    monkeypatch.setattr(files, "read_range", cut)
    assert f"{manifests.SCRIPT} has other bytes on the target" in copied(backup, top).problem
    monkeypatch.undo()
    script.write_bytes(whole)
    flip_at(script, 0.5)
    assert "has another SHA-256 than its backup was proven with" in copied(backup, top).problem
    assert list((top / "db1" / backup.parent.name).iterdir()) == []
    script.write_bytes(whole)
    assert copied(backup, top).made


WITH = [Setting("2.16", BECOME, True), Setting("2.19", PIPED, True), Setting("2.21", LOCAL, True)]


@pytest.mark.parametrize("setting", [one for one in WITH if one in settings()], ids=str)
def test_two_hosts_copy_at_once_to_one_directory_and_a_required_place_that_fails_fails_the_task(
    controller: Callable[[Setting], Ansible], backup: Path, tmp_path: Path, setting: Setting
) -> None:
    playing = controller(setting)
    top, missing = directory(tmp_path, "top"), tmp_path / "missing"

    def played(*options: str, required: bool = False) -> Played:
        to = [{"controller": str(top)}, {"controller": str(missing), "required": required}]
        given = {"backup_dir": str(backup), "copy_to": to}
        task = {"pgsafe.migration.pg_backup_copy": given, "register": "found"}
        shown = {"ansible.builtin.debug": {"msg": "{{ found.console | join(' ') }}; {{ found.copied_to | length }}"}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [task, shown]}
        hosts: dict[str, Any] = {"one": {}, "two": {}}
        return playing.play(hosts, *options, playbook=playing.playbook([play]))

    foreseen = played("--check")
    assert f"to {top}/one/{backup.parent.name}/{backup.name} on the controller" in foreseen.flat, foreseen.output
    assert list(top.iterdir()) == []
    done = played()
    assert done.status == 0, done.output
    for host in ("one", "two"):
        copy = top / host / backup.parent.name / backup.name
        assert contents(copy) == contents(backup)
        assert f"to {copy} on the controller, and read back" in done.flat
        assert (stored.look(copy).condition, stored.look(copy).level) == (Condition.COMPLETE, "restore")
    assert f"[warning] No copy at {missing}/one on the controller: {missing} does not exist" in done.flat
    failed = played(required=True)
    assert failed.status == 2
    assert "The backup could not be copied to every place" in failed.flat, failed.output


@pytest.mark.long
def test_a_run_copies_its_backup_to_the_controller_from_where_it_comes_back(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    top, target = directory(tmp_path, "top"), directory(tmp_path, "place")
    variables = database.variables(backup_root, write_set(ansible.home / "set", GOOD))
    before = database.fingerprint()

    def played(playbook: str, *arguments: str, at: Path = top, **given: Any) -> Played:
        copy_to = [{"controller": str(at)}, {"path": str(target)}]
        host = {**variables, "pg_migrate_copy_to": copy_to, **given}
        return ansible.play({"one": host}, *arguments, playbook=f"pgsafe.migration.{playbook}")

    confirmed = ("-e", f"pg_migrate_confirm={database.name}")
    # The preflight can be waived, the copy cannot.
    waived = ("-e", '{"pg_migrate_waive": {"checks": {"copy_places": "try it"}}}')
    refused = played("migrate", *confirmed, *waived, at=tmp_path / "missing")
    assert "refused" in refused.verdict("one"), refused.output
    assert f"The place {tmp_path}/missing/one on the controller cannot be used" in refused.flat
    assert "The backup could not be copied to every place" in refused.flat
    assert database.fingerprint() == before
    done = played("migrate", *confirmed)
    assert done.verdict("one") == "migrated and verified", done.output
    (copy,) = (top / "one" / database.name).glob("migration_*")
    assert (target / database.name / copy.name).is_dir()
    listed = played("list", pg_migrate_backup_root=str(top / "one"))
    assert f"1 backup under {top}/one, 1 of them proven" in listed.flat, listed.output
    fetched, name = directory(tmp_path, "fetched"), f"{database.name}_old"
    modes = {"mode": "preserve", "directory_mode": "0700", "local_follow": False}
    given = {"src": f"{top}/one/", "dest": f"{fetched}/", **modes}
    brought = ansible.adhoc(variables, "ansible.builtin.copy", given)
    assert brought.status == 0, brought.output
    assert contents(fetched / database.name / copy.name) == contents(copy)
    new = ("-e", json.dumps({"pg_migrate_new_database": name}))
    back = played("restore", *new, pg_migrate_backup_root=str(fetched))
    assert back.status == 0, back.output
    assert replace(database, name=name).sql("SELECT count(*) FROM customers") == "60"
    database.admin(f"DROP DATABASE {name}")


@dataclass(frozen=True)
class Page:
    """Runs commands of the page, word for word but for the names and directories of the test."""

    ansible: Ansible
    database: Database
    top: Path
    at: Mapping[str, str]

    def run(self, command: str, *more: str) -> Played:
        for said, meant in {
            "/srv/backups/pgsafe": str(self.top),
            "pg_migrate_db=app": f"pg_migrate_db={self.database.name}",
            "=app_old": f"={self.database.name}_old",
            **self.at,
        }.items():
            command = command.replace(said, meant)
        return self.ansible.run([*shlex.split(command), *more])


@pytest.fixture(params=["plain", "encrypted"])
def page(
    ansible: Ansible, database: Database, backup: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """Two backups of a host, copied to the controller."""
    newer = back_up(database, backup.parent.parent).directory
    assert verified(database, newer, "restore").reached == "restore"
    top, identity = directory(tmp_path, "top"), tmp_path / "restore.txt"
    identity.write_text(str(KEY))
    recipients = [str(KEY.to_public())] if request.param == "encrypted" else []
    place = {"controller": str(top), "age_recipients": recipients}
    tasks = [
        {"pgsafe.migration.pg_backup_copy": {"backup_dir": str(of), "copy_to": [place]}} for of in (backup, newer)
    ]
    hosts = {"db1": database.variables(backup.parent.parent)}
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    done = ansible.play(hosts, playbook=ansible.playbook([play]))
    assert done.status == 0, done.output
    at = {name: str(directory(tmp_path, name)) for name in ("fetched", "sealed")}
    yield Page(
        ansible,
        database,
        top,
        {
            "app/migration_20261116_143022": under(newer),
            "production": ansible.inventory(hosts),
            "~/.config/age/restore.txt": str(identity),
            **{f"/var/backups/{name}": path for name, path in at.items()},
        },
    )
    if replace(database, name=f"{database.name}_old").exists():
        database.admin(f"DROP DATABASE {database.name}_old")


def require_restored(page: Page) -> None:
    encrypted = stored.all_of(page.top / "db1")[0].encrypted
    for command in BACK_WITH_THE_KEY if encrypted else BACK:
        done = page.run(command)
        assert done.status == 0, done.output
        assert str(KEY) not in done.output
    assert replace(page.database, name=f"{page.database.name}_old").sql("SELECT count(*) FROM customers") == "60"
    brought = [path for path in page.top.parent.rglob("*") if path.is_file() and path.name != "restore.txt"]
    assert not [path for path in brought if str(KEY).encode() in path.read_bytes()]


@pytest.mark.long
def test_the_commands_of_the_page_restore_on_the_target_and_work_on_the_controller_without_a_server_and_psycopg2(
    page: Page, tmp_path: Path
) -> None:
    require_restored(page)
    own = page.top / "db1"
    without = ("-e", json.dumps(python_without("psycopg2", tmp_path)))
    listing, verifying, pinning, pruning = ON_THE_CONTROLLER
    listed = page.run(listing, *without)
    assert listed.status == 0, listed.output
    assert f"2 backups under {own}, 2 of them proven" in listed.flat
    whole = page.run(verifying, *without)
    assert whole.status == 0, whole.output
    assert "Backup integrity verified: level checksum" in whole.flat
    pinned = page.run(pinning, *without)
    assert pinned.status == 0, pinned.output
    older, newer = stored.all_of(own)
    assert (older.pinned, newer.pinned) == ("", "WHY")
    policy = ("-e", '{"pg_migrate_retention": {"keep_days": 0, "keep_min": 1}}')
    foreseen = page.run(pruning, *without, *policy, "--check")
    assert foreseen.status == 0, foreseen.output
    assert f"Would remove {older.run_id}" in foreseen.flat
    assert "pinned: WHY" in foreseen.flat
    assert older.directory.exists()
    pruned = page.run(pruning, *without, *policy)
    assert pruned.status == 0, pruned.output
    assert stored.all_of(own) == (newer,)
    assert not older.directory.exists()
    flip_at(next(newer.directory.glob(f"{manifests.ARCHIVE}*")), 0.5)
    damaged = page.run(verifying, *without)
    assert damaged.status == 2
    assert f"{manifests.ARCHIVE}" in damaged.flat
    assert "has another SHA-256" in damaged.flat
    assert [of.proven for of in stored.all_of(own)] == [False]
