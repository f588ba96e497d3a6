"""After `--check` on a database that waits for its migration."""

from __future__ import annotations

from pathlib import Path

from testinfra.host import Host

import pgserver

SAMPLE = "community_connect"


def test_no_file_was_made(host: Host, backup_root: Path) -> None:
    assert host.file(str(backup_root)).listdir() == []


def test_the_database_waits_for_its_migration(server: pgserver.Server) -> None:
    assert server.psql("SELECT count(*) FROM community_members", SAMPLE) == "1247"
    assert server.psql("SELECT to_regclass('members'), to_regnamespace('pgsafe')", SAMPLE) == "|"


def test_no_other_database_was_made(server: pgserver.Server) -> None:
    names = server.psql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
    assert names.splitlines() == [SAMPLE, "postgres"]
