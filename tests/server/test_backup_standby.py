# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A standby: it can be read only, so nothing can be migrated there, and nothing is begun."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.tests.server.backup_support import refused, request
from ansible_collections.pgsafe.migration.tests.server.support import Database, everything

import pgserver


@pytest.fixture
def standby(server: pgserver.Server, database: Database) -> Iterator[Database]:
    """The test's database on a streaming standby of its server."""
    home = Path(tempfile.mkdtemp(prefix="pgs"))
    follower = pgserver.Server(server.installation, home, fsync=False)
    follower.create()
    for entry in follower.data_dir.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    user = pgserver.server_user()
    identity: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    argv = [str(server.bin_dir / "pg_basebackup"), "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    where = {"PGHOST": str(server.socket_dir), "PGPORT": str(server.port), "PGUSER": pgserver.SUPERUSER}
    subprocess.run(
        [*argv, "--pgdata", str(follower.data_dir)], env={**os.environ, **where}, cwd="/", check=True, **identity
    )
    with (follower.data_dir / "postgresql.conf").open("a") as settings:
        settings.write(f"port = {follower.port}\nunix_socket_directories = '{follower.socket_dir}'\n")
        settings.write("listen_addresses = ''\n")
    follower.start()
    try:
        yield Database(follower, database.name)
    finally:
        follower.destroy()


@pytest.mark.fault(25)
def test_a_standby_is_refused(standby: Database, backup_root: Path) -> None:
    found = preflight.run(preflight.PreflightRequest(standby.target, backup_root))
    (problem,) = [problem for problem in found.errors if problem.check == "standby"]
    assert problem.what == "The server is a standby: it can be read only."
    assert "Connect to the primary" in problem.remedy
    failure = refused(request(standby, backup_root))
    assert isinstance(failure, Refused)
    assert "standby" in failure.what
    assert everything(backup_root) == []
