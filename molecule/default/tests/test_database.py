"""The database after a migration and a second run that found nothing to do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from testinfra.host import Host

import pgserver

SAMPLE = "community_connect"


@pytest.mark.parametrize(
    "table", ["members", "member_profiles", "community_members_old", "member_embeddings_old", "city_activity"]
)
def test_the_rows_are_there(server: pgserver.Server, table: str) -> None:
    expected = "41" if table == "city_activity" else "1247"
    assert server.psql(f"SELECT count(*) FROM {table}", SAMPLE) == expected


def test_the_embeddings_are_vectors(server: pgserver.Server) -> None:
    sql = "SELECT DISTINCT pg_typeof(embedding) FROM member_embeddings_old"
    assert server.psql(sql, SAMPLE) == "vector"


def test_the_record_says_applied_then_verified_by_the_run_of_the_backup(
    host: Host, server: pgserver.Server, backup_root: Path
) -> None:
    manifest = json.loads(host.file(str(backup_root / SAMPLE / "latest" / "manifest.json")).content_string)
    records = server.psql("SELECT DISTINCT run_id, applied_at <= verified_at FROM pgsafe.applied_file", SAMPLE)
    assert records == f"{manifest['run_id']}|t"


def test_the_record_is_no_part_of_the_fingerprint(host: Host, server: pgserver.Server) -> None:
    tool = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "tools" / "fingerprint.py"
    connection = {**server.environment(), "PGDATABASE": SAMPLE, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    setting = [f"{name}={value}" for name, value in connection.items()]
    command = ["env", *setting, sys.executable, str(tool), "--json"]
    printed = host.check_output(" ".join(["%s"] * len(command)), *command)
    assert "public.members" in json.loads(printed)["tables"]
    assert "applied_file" not in printed


def test_sessions_can_connect(server: pgserver.Server) -> None:
    sql = f"SELECT datallowconn, datconnlimit FROM pg_database WHERE datname = '{SAMPLE}'"
    assert server.psql(sql) == "t|-1"
    assert server.psql("SELECT current_database()", SAMPLE) == SAMPLE


def test_no_scratch_database_is_left(server: pgserver.Server) -> None:
    names = server.psql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
    assert names.splitlines() == [SAMPLE, "postgres"]


def test_nobody_is_left_in_the_database(server: pgserver.Server) -> None:
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{SAMPLE}' AND backend_type = 'client backend'"
    assert server.psql(sql) == "0"
