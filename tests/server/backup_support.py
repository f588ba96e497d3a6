# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the backup's faults share: a pg_dump that waits, backups in progress, and their restored copies."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, LargeObjects, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import codec, session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools
from ansible_collections.pgsafe.migration.tests.server.support import (
    PATIENCE_SECONDS,
    Database,
    backends,
    everything,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

# A pg_dump that waits for the file `go`: before it does anything, or when it has written a first piece of the archive.
# Of several pg_dumps, the one that leaves tables out waits.
_WAITING = """#!{python} -IS
import os, shutil, subprocess, sys, time
from pathlib import Path

real, place = "{real}", Path("{place}")

def wait():
    (place / "waiting").touch()
    while not (place / "go").exists():
        time.sleep(0.01)

if "--version" in sys.argv:
    os.execv(real, [real, *sys.argv[1:]])
if "{where}" == "before":
    wait()
    os.execv(real, [real, *sys.argv[1:]])
def pass_on(source, sink, size):
    sink.write(source.read(size))
    sink.flush()
    wait()
    shutil.copyfileobj(source, sink)

if any(given.startswith("--exclude-table=") for given in sys.argv):
    dump = subprocess.Popen([real, *sys.argv[1:]], stdout=subprocess.PIPE)
    pass_on(dump.stdout, sys.stdout.buffer, 1 << 16)
    sys.exit(dump.wait())
target = next((given for given in sys.argv if given.startswith("--file=")), None)
if target is None:
    os.execv(real, [real, *sys.argv[1:]])
os.mkfifo(place / "pipe")
arguments = [f"--file={{place / 'pipe'}}" if given == target else given for given in sys.argv[1:]]
dump = subprocess.Popen([real, "--no-sync", *arguments])
with open(place / "pipe", "rb", buffering=0) as source, open(target[len("--file="):], "wb") as sink:
    pass_on(source, sink, 4096)
sys.exit(dump.wait())
"""

# Some megabytes that do not compress: more than fits into the pipes between a server and a pg_dump that waits. Without
# them it may have read everything, and given up its locks, when it "waits" midway.
BULK = """
CREATE TABLE bulk AS SELECT i AS id, md5(i::text) || md5((i * 7)::text) || md5((i * 11)::text) AS noise
  FROM generate_series(1, 40000) AS i;
"""


def tools_with(directory: Path, bin_dir: Path, program: str, text: str) -> Path:
    """A directory with the client tools of another one, except for one program."""
    directory.mkdir(exist_ok=True)
    for tool in ("pg_dump", "pg_restore", "psql", "pg_dumpall"):
        if tool != program:
            (directory / tool).symlink_to(bin_dir / tool)
    (directory / program).write_text(text)
    (directory / program).chmod(0o755)
    return directory


@dataclass(frozen=True)
class Waiting:
    """A pg_dump that waits for a word from the test."""

    directory: Path

    def install(self, bin_dir: Path, where: str) -> None:
        text = _WAITING.format(python=sys.executable, real=bin_dir / "pg_dump", place=self.directory, where=where)
        tools_with(self.directory, bin_dir, "pg_dump", text)

    @property
    def reached(self) -> bool:
        return (self.directory / "waiting").exists()

    def go(self) -> None:
        (self.directory / "go").touch()


@dataclass(frozen=True)
class InProgress:
    """A backup in another thread whose pg_dump waits."""

    waiting: Waiting
    future: Future[backup.Backup]

    def finish(self) -> backup.Backup:
        """Let pg_dump go on; the backup, or its error."""
        self.waiting.go()
        return self.future.result(PATIENCE_SECONDS)

    def failure(self) -> PgsafeError:
        """Let pg_dump go on; the backup must fail."""
        with pytest.raises(PgsafeError) as caught:
            self.finish()
        return caught.value


def connection(database: Database, application: str = "somebody") -> psycopg2.extensions.connection:
    """A session of somebody's; the caller closes it."""
    keywords: dict[str, Any] = {**database.target.params, "dbname": database.name, "application_name": application}
    opened: psycopg2.extensions.connection = psycopg2.connect(**keywords)
    return opened


def request(database: Database, backup_root: Path, **options: object) -> BackupRequest:
    """A backup's request; the options are those of :class:`BackupRequest`."""
    return replace(requests.backup(database.target, backup_root), **options)  # type: ignore[arg-type]


@contextmanager
def in_progress(wanted: BackupRequest, place: Path, where: str = "before") -> Iterator[InProgress]:
    """A backup that has its locks and its snapshot, and whose pg_dump waits."""
    waiting = Waiting(place)
    waiting.install(Path(str(wanted.target.bin_dir)), where)
    slowed = replace(wanted, target=replace(wanted.target, bin_dir=str(place)))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(backup.run, slowed)
        try:
            until(lambda: waiting.reached or future.done(), "pg_dump waits")
            yield InProgress(waiting, future)
        finally:
            waiting.go()


def refused(wanted: BackupRequest) -> PgsafeError:
    """The error of a backup that must fail, and that leaves nothing which looks like one."""
    with pytest.raises(PgsafeError) as caught:
        backup.run(wanted)
    assert backups_in(wanted.backup_root) == []
    return caught.value


def backups_in(backup_root: Path) -> list[str]:
    """What is in the directories of backups; the journals of runs are not."""
    return [name for name in everything(backup_root) if not name.startswith(".runs") and "/" in name]


def is_reading(backup_root: Path) -> bool:
    """Whether a backup reads tables, for which it has its locks and its snapshot."""
    return any(backup_root.glob("*/*/*.csv"))


def is_read(database: Database, backup_root: Path) -> bool:
    """Whether a backup has read all but what pg_dump reads; :data:`BULK` is no volatile table, which come first."""
    return any(backup_root.glob("*/*/bulk.csv")) and len(backends(database.server, "pgsafe backup")) == 2


def as_role(database: Database, role: str) -> Target:
    """The same database by another role, whom the socket trusts."""
    target = database.target
    return replace(target, params={**target.params, "user": role})


Roles = Callable[[str, str], str]


def new_roles(server: pgserver.Server) -> Iterator[Roles]:
    """Makes roles that can log in, by name and attributes; dropped at the end, when nothing is theirs any more."""
    made: list[str] = []

    def make(name: str, attributes: str) -> str:
        server.psql(f"CREATE ROLE {name} LOGIN {attributes}")
        made.append(name)
        return name

    yield make
    for name in made:
        server.psql(f"DROP ROLE {name}")


def source(database: Database, taken: backup.Backup) -> copies.Source:
    tools = client_tools.find(database.target, taken.manifest.server_major)
    return copies.Source(taken.directory, taken.manifest, tools, jobs=2)


def by_archive(database: Database, taken: backup.Backup) -> Database:
    return _copy(database, taken, "archive", copies.load_archive)


def by_script(database: Database, taken: backup.Backup) -> Database:
    return _copy(database, taken, "script", copies.load_script)


def by_csv(database: Database, taken: backup.Backup) -> Database:
    """The definitions from the archive, the rows by the commands of the manifest, then what needs the rows."""
    return _copy(database, taken, "csv", _load_csvs)


def _copy(
    database: Database, taken: backup.Backup, how: str, load: Callable[[Target, str, copies.Source], None]
) -> Database:
    copy = database.called(f"{database.name}_{how}")
    copies.create(database.target, copy.name, source(database, taken))
    load(database.target, copy.name, source(database, taken))
    return copy


def _load_csvs(target: Target, name: str, origin: copies.Source) -> None:
    archive = origin.directory / "full_backup.dump"
    for section in ("pre-data", "post-data"):
        if section == "post-data":
            _psql(target, name, origin, "".join(f"{file.load}\n" for file in origin.manifest.csv_files))
        restore = [origin.tools["pg_restore"], "--exit-on-error", f"--section={section}", f"--dbname={name}"]
        _run(target, name, [*restore, str(archive)], origin.directory)


def _psql(target: Target, name: str, origin: copies.Source, commands: str) -> None:
    argv = [origin.tools["psql"], "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    encoding = origin.manifest.properties.creation["ENCODING"]
    _run(target, name, argv, origin.directory, f"SET client_encoding = '{encoding}';\n{commands}", codec(encoding))


def _run(target: Target, name: str, argv: list[str], cwd: Path, text: str = "", encoding: str = "utf-8") -> None:
    params = target.params
    where = {"PGHOST": params["host"], "PGPORT": params["port"], "PGUSER": params["user"], "PGDATABASE": name}
    done = subprocess.run(
        argv,
        cwd=cwd,
        env={**os.environ, **where},
        input=text,
        capture_output=True,
        encoding=encoding,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def differences(taken: Manifest, copy: Database) -> tuple[str, ...]:
    return fingerprint.differences(taken.fingerprint, _of_copy(taken, copy))


def _of_copy(taken: Manifest, copy: Database) -> Fingerprint:
    with session(copy.target) as reader:
        return fingerprint.take(reader, like=taken.fingerprint)


def csv_differences(taken: Manifest, copy: Database) -> tuple[str, ...]:
    """As :func:`differences`, without the sequences and large objects, of which a CSV knows nothing."""
    before, after = taken.fingerprint, _of_copy(taken, copy)
    return fingerprint.differences(*[_without_what_no_csv_has(found) for found in (before, after)])


def _without_what_no_csv_has(found: Fingerprint) -> Fingerprint:
    objects = {**found.catalog, "large object": {}}
    return replace(found, sequences={}, large_objects=LargeObjects(), catalog=objects)


def dump(database: Database, path: Path, kind: str, *options: str) -> Path:
    """A dump as people make it."""
    env = {**os.environ, **database.server.environment(), "PGDATABASE": database.name}
    argv = [str(database.server.bin_dir / "pg_dump"), f"--format={kind.removesuffix('.gz')}", f"--file={path}"]
    subprocess.run([*argv, *options], env=env, check=True)
    if kind.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path
