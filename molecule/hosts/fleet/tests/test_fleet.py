"""Each machine after staging and production were migrated, and the records of both on the controller."""

from __future__ import annotations

import json
import os
from pathlib import Path

import machines
import pytest

DATABASES = {
    "staging-members": ("community_staging_members", "17"),
    "staging-archive": ("community_staging_archive", "15"),
    "production-members": ("community_production_members", "17"),
}
EVERY_HOST = pytest.mark.parametrize("name", list(DATABASES))


@EVERY_HOST
def test_the_server_is_the_major_of_its_release(name: str) -> None:
    assert machines.sql(name, "SHOW server_version").split(".", maxsplit=1)[0] == DATABASES[name][1]


@EVERY_HOST
def test_the_rows_are_there_and_belong_to_the_application(name: str) -> None:
    database = DATABASES[name][0]
    assert machines.sql(name, "SELECT count(*) FROM members", database) == "1247"
    owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'members'::regclass"
    assert machines.sql(name, owner, database) == "community_connect"


@EVERY_HOST
def test_sessions_can_connect_and_write(name: str) -> None:
    database = DATABASES[name][0]
    allowed = f"SELECT datallowconn, datconnlimit FROM pg_database WHERE datname = '{database}'"
    assert machines.sql(name, allowed) == "t|-1"
    assert machines.sql(name, "SHOW default_transaction_read_only", database) == "off"


@EVERY_HOST
def test_no_copy_is_left(name: str) -> None:
    names = machines.sql(name, "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname <> 'postgres'")
    assert names.splitlines() == ["postgres", DATABASES[name][0]]


@EVERY_HOST
def test_the_backup_is_private_to_postgres(name: str) -> None:
    manifest = machines.machine(name).file(str(machines.BACKUPS / DATABASES[name][0] / "latest" / "manifest.json"))
    assert (manifest.user, manifest.mode) == ("postgres", 0o600)


@pytest.mark.parametrize(("name", "method"), [("staging-members", "lz4"), ("production-members", "zstd")])
def test_an_archive_whose_volatile_tables_were_read_first_has_the_method_that_was_asked_for(
    name: str, method: str
) -> None:
    directory = machines.BACKUPS / DATABASES[name][0] / "latest"
    contents = machines.machine(name).check_output(f"pg_restore --list {directory}/full_backup.dump")
    assert f"Compression: {method}" in contents
    assert "TABLE DATA public event_registrations" in contents
    log = machines.machine(name).check_output(f"cat {directory}/migration_*.log")
    assert "Read first, and not locked after that: public.event_registrations" in log


def test_only_the_run_that_was_allowed_has_made_a_backup_in_production() -> None:
    database = DATABASES["production-members"][0]
    command = f"find {machines.BACKUPS / database} -name manifest.json -type f"
    found = machines.machine("production-members").check_output(command)
    assert len(found.splitlines()) == 1


@EVERY_HOST
def test_its_promotion_is_recorded(name: str) -> None:
    records = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "fleet" / "promotion"
    found = list((records / name.split("-", maxsplit=1)[0] / name / DATABASES[name][0]).glob("*.json"))
    assert len(found) == 1
    assert json.loads(found[0].read_text(encoding="utf-8"))["host"] == name
