# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the fingerprint share: a dump and a restore by the bare tools, and both fingerprints."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.model import AS_RESTORED, SOURCE, Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.tests.server.support import Database

Clone = Callable[[str], Database]


def round_trip(database: Database, name: str) -> Database:
    """The database as pg_dump and pg_restore bring it into a fresh one; dropped by the fixture ``clone``."""
    copy = database.called(name)
    database.admin(f"CREATE DATABASE {name} TEMPLATE template0")
    env = {**os.environ, **database.server.environment()}
    programs = database.server.bin_dir
    dump = [str(programs / "pg_dump"), "-Fc", "-Z0", database.name]
    restore = [str(programs / "pg_restore"), "--exit-on-error", "--no-subscriptions", f"--dbname={name}"]
    archive = subprocess.run(dump, env=env, stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run(restore, env=env, input=archive, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return copy


def of_source(database: Database) -> Fingerprint:
    return _taken(database, SOURCE)


def of_copy(database: Database) -> Fingerprint:
    return _taken(database, AS_RESTORED)


def _taken(database: Database, generation: str) -> Fingerprint:
    with session(database.target) as reader:
        return fingerprint.take(reader, generation)


def require_stable(database: Database) -> tuple[Fingerprint, Fingerprint]:
    """A round trip changes nothing that counts, and a second one nothing at all; source and first copy."""
    source = of_source(database)
    first = round_trip(database, f"{database.name}_first")
    copy = of_copy(first)
    lines = fingerprint.differences(source, copy)
    assert lines == (), lines
    second = of_copy(round_trip(first, f"{database.name}_second"))
    lines = fingerprint.differences(copy, second)
    assert lines == (), lines
    return source, copy
