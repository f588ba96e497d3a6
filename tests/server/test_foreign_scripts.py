# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody else could have written runs no command of psql's, and its SQL as a user who owns nothing."""

from __future__ import annotations

import pwd
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.commands import Account
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import instance, lone_archive
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server import forgery
from ansible_collections.pgsafe.migration.tests.server.backup_support import dump
from ansible_collections.pgsafe.migration.tests.server.support import Database, as_nobody, back_up, databases
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

END = b"--\n-- PostgreSQL database dump complete\n"
REFUSED = "backslash commands are restricted"
LEADS_OUT = "would change more than a scratch database"


@pytest.fixture
def mark() -> Iterator[Path]:
    """A file that no command has made, where every user could make it."""
    with tempfile.TemporaryDirectory(prefix="pgs") as directory:
        Path(directory).chmod(0o777)
        yield Path(directory) / "mark"


def hostile(mark: Path) -> list[str]:
    """Ways to make psql do something else than send SQL."""
    return [
        f"SELECT 1; \\! touch {mark}",
        f"   \\! touch {mark}",
        f"SELECT 1 \\g |touch {mark}",
        f"SELECT 1 \\gx |touch {mark}",
        f"\\o |touch {mark}",
        f"\\w |touch {mark}",
        f"SELECT 1; \\set x `touch {mark}`",
        f"SELECT 1; \\echo `touch {mark}`",
        f"SELECT 1; \\copy (SELECT 1) TO PROGRAM 'touch {mark}'",
        f"SELECT 1; \\copy (SELECT 1) TO '{mark}'",
        f"SELECT 1; \\setenv PSQL_EDITOR touch\n; \\e {mark}",
        f"SELECT 1; \\unrestrict x\n\\! touch {mark}",
        f"SELECT 1; \\restrict x\n\\unrestrict x\n\\! touch {mark}",
        f"/* \\*/ SELECT '\\' ; \\! touch {mark}",
        "SELECT 1; \\c postgres\nCREATE TABLE public.led_out ();",
        "SELECT 1; \\connect postgres\nCREATE TABLE public.led_out ();",
        "SELECT 'CREATE DATABASE led_out' \\gexec",
        "SELECT 1; \\i /etc/passwd",
        "SELECT 1; \\include /etc/passwd",
        "SELECT 1; \\set ON_ERROR_STOP off\nSELECT 1 / 0;",
        "SELECT 1; \\q",
    ]


def inserted(text: bytes, command: str, before: bytes = END) -> bytes:
    """A script with a command in it, and without the protection that pg_dump gives it."""
    bare = re.sub(rb"^\\(?:un)?restrict \w+\n", b"", text, flags=re.MULTILINE)
    assert before in bare
    return bare.replace(before, f"{command}\n".encode() + before, 1)


def readable_by_all(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def require_nothing_done(database: Database, mark: Path) -> None:
    assert not mark.exists()
    assert database.admin("SELECT to_regclass('public.led_out') IS NULL AND to_regclass('led_out') IS NULL") == "t"
    assert "led_out" not in databases(database.server)


@pytest.mark.every_server
def test_a_script_of_unknown_origin_runs_no_command(database: Database, tmp_path: Path, mark: Path) -> None:
    path = dump(database, tmp_path / "by_hand", "plain")
    whole = path.read_bytes()
    for command in hostile(mark):
        path.write_bytes(inserted(whole, command))
        verdict = lone_archive.run(requests.archive(database.target, path, trusted=True))
        require_nothing_done(database, mark)
        assert verdict.reached == "decode", command
        told = verdict.findings[0].what
        assert REFUSED in told or LEADS_OUT in told, command


def test_the_script_of_a_backup_runs_no_command_in_a_rollback_either(
    database: Database, backup_root: Path, mark: Path
) -> None:
    taken = back_up(database, backup_root)
    forgery.rewrite(taken.directory / manifest.SCRIPT, lambda text: inserted(text, f"SELECT 1; \\! touch {mark}"))
    tools = client_tools.find(database.target, database.server.installation.major)
    source = copies.Source(taken.directory, manifest.read(taken.directory), tools, 1)
    with pytest.raises(CommandFailed, match=REFUSED), copies.new(database.target, f"{database.name}_copy", source):
        copies.load_script(database.target, f"{database.name}_copy", source)
    require_nothing_done(database, mark)


def test_the_roles_of_a_backup_run_no_command(database: Database, backup_root: Path, mark: Path, place: Path) -> None:
    taken = back_up(database, backup_root)
    command = f"SELECT 1; \\! touch {mark}"
    forgery.rewrite(taken.directory / manifest.GLOBALS, lambda text: inserted(text, command, b"CREATE ROLE"))
    forgery.seal(taken.directory)
    options = instance.Options(str(database.server.bin_dir), place)
    verdict = forgery.verified(database, taken.directory, proof="temporary_instance", instance_options=options)
    require_nothing_done(database, mark)
    assert verdict.reached == "decode"
    assert REFUSED in verdict.findings[0].what


def require_refused(begin: Callable[[], object], told: str) -> None:
    with pytest.raises(Refused, match=f"is of unknown origin, and .*{told}") as caught:
        begin()
    assert "trusted: true" in caught.value.remedy


@pytest.mark.other_user
@pytest.mark.every_major
def test_the_sql_of_a_dump_runs_as_a_user_who_owns_nothing_and_leaves_no_process(
    database: Database, tmp_path: Path, mark: Path, place: Path
) -> None:
    path = dump(database, tmp_path / "by_hand", "plain")
    program = f"id -u > {mark}; setsid sleep 1000 > /dev/null 2>&1 < /dev/null &"
    path.write_bytes(inserted(path.read_bytes(), f"COPY (SELECT 1) TO PROGRAM '{program}';"))
    options = instance.Options(str(database.server.bin_dir), place)
    asked = requests.archive(database.target, path, proof="temporary_instance", instance_options=options)
    verdict = lone_archive.run(asked)
    assert (verdict.reached, verdict.findings) == ("restore", ())
    assert any(note.startswith("its SQL has COPY with PROGRAM (line ") for note in verdict.notes)
    uid = int(mark.read_text())
    with pytest.raises(KeyError):
        pwd.getpwuid(uid)
    assert commands.processes_of(Account(uid, uid)) == []
    assert list(place.iterdir()) == []


def test_a_dump_of_unknown_origin_is_restored_in_a_cluster_of_its_own_alone(
    database: Database, mark: Path, backup_root: Path
) -> None:
    path = dump(database, mark.parent / "by_hand", "custom")
    taken = back_up(database, backup_root).directory
    copied = mark.parent / "copied" / "db" / taken.name
    shutil.copytree(taken, copied)
    readable_by_all(mark.parent / "copied")
    around = databases(database.server)
    dumped = requests.archive(database.target, path)
    backup = requests.verify(database.target, copied)
    with as_nobody():
        for begin in (partial(lone_archive.run, dumped), partial(verify.run, backup), partial(verify.plan, backup)):
            require_refused(begin, "would run its SQL on the server")
    assert databases(database.server) == around
    moved = backup_root / "copied" / "db" / taken.name
    shutil.copytree(taken, moved)
    assert verify.run(requests.verify(database.target, moved, trusted=True)).reached == "restore"
    assert verify.run(requests.verify(database.target, taken)).reached == "restore"
