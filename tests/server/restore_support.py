# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of restores share: an intent, and what the checks find about it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks import run
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks.check import Intent
from ansible_collections.pgsafe.migration.tests.server.support import SMALL, Database, tmpfs

import pgserver


def rollback(database: Database, taken: backup.Backup, **options: object) -> Intent:
    """The intent of a rollback; the options are those of :class:`Intent`."""
    run_id = taken.run_id
    creates = (names.beside(database.name, "restored", run_id), names.beside(database.name, "failed", run_id))
    intent = Intent(taken.manifest, database.name, creates, str(taken.directory / "globals.sql"))
    return replace(intent, **options)  # type: ignore[arg-type]


def problems(database: Database, intent: Intent, target: Target | None = None) -> tuple[Problem, ...]:
    return run.problems(run.look(target or database.target, intent))


def of(found: tuple[Problem, ...], check: str) -> list[Problem]:
    return [problem for problem in found if problem.check == check]


def only(found: tuple[Problem, ...], check: str) -> Problem:
    """The one problem of a check; every test of a plant begins with a database where the check was silent."""
    (problem,) = of(found, check)
    return problem


def with_extensions(manifest: Manifest, **versions: str) -> Manifest:
    """The same manifest, whose catalog says that these were there, and no others."""
    said = {"extension version": {name: {"version": version} for name, version in versions.items()}}
    held = manifest.fingerprint
    return replace(manifest, fingerprint=replace(held, catalog={**held.catalog, **said}))


@contextmanager
def server_of_its_own(like: pgserver.Server, settings: str) -> Iterator[Database]:
    """A small database ``app`` on a server that no other test uses, of the same major.

    :param settings: lines for postgresql.conf.
    """
    with tempfile.TemporaryDirectory(prefix="pgs") as home:
        own = pgserver.Server(like.installation, Path(home) / "server", fsync=False)
        own.create()
        with (own.data_dir / "postgresql.conf").open("a") as configuration:
            configuration.write(f"wal_level = logical\nautovacuum = off\n{settings}")
        own.start()
        try:
            own.psql("CREATE DATABASE app")
            own.psql(SMALL, "app")
            yield Database(own, "app")
        finally:
            own.destroy()


@contextmanager
def server_with_small_log(like: pgserver.Server, settings: str, size: str) -> Iterator[tuple[Database, Path]]:
    """A database of a server whose log is on a small filesystem, and that filesystem."""
    with server_of_its_own(like, settings) as own, tmpfs(own.server.data_dir.parent / "small", size) as disk:
        own.server.stop()
        log, owner = own.server.data_dir / "pg_wal", own.server.data_dir.stat()
        shutil.copytree(log, disk / "pg_wal")
        shutil.rmtree(log)
        log.symlink_to(disk / "pg_wal")
        for path in (disk, *disk.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        own.server.start()
        try:
            yield own, disk
        finally:
            own.server.stop("immediate")
