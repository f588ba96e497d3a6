# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs that a backup is made of: killed, missing, of another major, or with something to say."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, Refused
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    backups_in,
    refused,
    request,
    source,
    tools_with,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, everything, python

# As far as a backup knows pigz: it compresses its standard input. Told so, it is killed when it has written something.
_PIGZ = """#!{python} -IS
import os, signal, sys, zlib
assert sys.argv[1:] == ["-1", "--no-name", "--stdout"], sys.argv
packer = zlib.compressobj(1, wbits=31)
while chunk := sys.stdin.buffer.read(1 << 16):
    os.write(1, packer.compress(chunk))
    if {killed}:
        os.kill(os.getpid(), signal.SIGKILL)
os.write(1, packer.flush())
"""

# A backup on a machine without ISA-L.
_BACK_UP = """
import json, sys
from pathlib import Path
sys.modules["isal"] = None
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import gzip_files
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
params, name, bin_dir, root = json.loads(sys.argv[1])
try:
    taken = backup.run(requests.backup(Target(params, name, bin_dir=bin_dir), Path(root)))
    print(json.dumps([gzip_files.compressor(), str(taken.directory)]))
except PgsafeError as error:
    print(json.dumps([gzip_files.compressor(), str(error)]))
"""


def without_isal(database: Database, backup_root: Path, home: Path) -> list[str]:
    """The compressor of a backup, and its directory or its error."""
    target = database.target
    given = json.dumps([dict(target.params), target.dbname, target.bin_dir, str(backup_root)])
    with python(_BACK_UP, home, given) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    found: list[str] = json.loads(said)
    return found


@pytest.fixture
def pigz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a pigz that comes before all others."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return directory / "pigz"


def install(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_pigz_compresses_the_script_where_there_is_no_isal(
    database: Database, backup_root: Path, tmp_path: Path, pigz: Path
) -> None:
    install(pigz, _PIGZ.format(python=sys.executable, killed=False))
    compressor, directory = without_isal(database, backup_root, tmp_path)
    assert compressor == "pigz"
    with gzip.open(Path(directory) / "full_backup.sql.gz", "rt") as script:
        assert "-- PostgreSQL database dump complete" in script.read()


@pytest.mark.fault(4)
def test_a_killed_compressor_fails_the_backup_and_is_named(
    database: Database, backup_root: Path, tmp_path: Path, pigz: Path
) -> None:
    database.sql(BULK)
    install(pigz, _PIGZ.format(python=sys.executable, killed=True))
    compressor, error = without_isal(database, backup_root, tmp_path)
    assert compressor == "pigz"
    assert "full_backup.sql.gz could not be written" in error
    assert "pigz was ended by signal 9" in error
    assert backups_in(backup_root) == []


@pytest.mark.fault(24)
def test_without_pg_dump_nothing_is_begun(database: Database, backup_root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = missing_tools(database, backup_root, tmp_path / "empty")
    assert "No client tools of PostgreSQL" in found.what
    assert "postgresql-client-" in found.remedy


@pytest.mark.fault(24)
@pytest.mark.parametrize("difference", [-1, 1])
def test_a_pg_dump_of_another_major_is_not_used(
    database: Database, backup_root: Path, tmp_path: Path, difference: int
) -> None:
    major = database.server.installation.major + difference
    text = f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.3'\n"
    place = tools_with(tmp_path / "other", database.server.bin_dir, "pg_dump", text)
    found = missing_tools(database, backup_root, place)
    assert f"{place} has {major}.3" in found.what
    assert "bin_dir" in found.remedy


@pytest.mark.fault(24)
def test_a_missing_pg_restore_is_named_before_anything_is_begun(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    place = tools_with(tmp_path / "half", database.server.bin_dir, "pg_restore", "")
    (place / "pg_restore").unlink()
    assert "no pg_restore" in missing_tools(database, backup_root, place).what


def missing_tools(database: Database, backup_root: Path, bin_dir: Path) -> Refused:
    target = database.target.__class__(database.target.params, database.name, bin_dir=str(bin_dir))
    found = refused(request(database, backup_root, target=target))
    assert isinstance(found, Refused)
    assert everything(backup_root) == []
    return found


@pytest.mark.fault(26)
def test_what_pg_dump_says_without_failing_is_kept(database: Database, backup_root: Path, tmp_path: Path) -> None:
    real = database.server.bin_dir / "pg_dump"
    text = f'#!/bin/sh\necho "pg_dump: warning: this and that" >&2\nexec {real} "$@"\n'
    place = tools_with(tmp_path / "warning", database.server.bin_dir, "pg_dump", text)
    target = database.target.__class__(database.target.params, database.name, bin_dir=str(place))
    taken = backup.run(request(database, backup_root, target=target))
    assert taken.manifest.warnings == ("pg_dump: warning: this and that",)
    assert "this and that" in (taken.directory / "manifest.txt").read_text()
    assert backup.run(request(database, backup_root)).manifest.warnings == ()


@pytest.mark.fault(49)
def test_jobs_that_lock_each_other_out_are_followed_by_one_job_in_an_empty_database(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    """Which no test can make pg_restore do at will: this one does its work and says so."""
    taken = backup.run(request(database, backup_root))
    real, calls = database.server.bin_dir / "pg_restore", tmp_path / "calls"
    text = f"""#!/bin/sh
for given; do case $given in --jobs=*) echo "$given" >> {calls} ;; esac; done
{real} "$@" || exit
case " $* " in *" --jobs=2 "*) echo 'ERROR:  deadlock detected' >&2; exit 1 ;; esac
"""
    place = tools_with(tmp_path / "jobs", database.server.bin_dir, "pg_restore", text)
    origin, name = source(database, taken), f"{database.name}_copy"
    tools = replace(origin.tools, paths={**origin.tools.paths, "pg_restore": str(place / "pg_restore")})
    copies.create(database.target, name, origin)
    copies.load_archive(database.target, name, replace(origin, tools=tools))
    copies.compare(database.target, name, origin)
    assert calls.read_text().split() == ["--jobs=2", "--jobs=1"]
    with pytest.raises(CommandFailed, match="already exists"):
        copies.load_archive(database.target, name, origin)
