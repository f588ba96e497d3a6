# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Streaming standbys of the tests' servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pgserver


@contextmanager
def standby_of(server: pgserver.Server) -> Iterator[pgserver.Server]:
    """A running standby, which calls itself ``a_standby``; removed at the end."""
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
        settings.write("listen_addresses = ''\ncluster_name = 'a_standby'\n")
    follower.start()
    try:
        yield follower
    finally:
        follower.destroy()
