"""The fleet after its second batch has failed: one migrated, one as it was before, one untouched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import machines

MIGRATED, ROLLED_BACK, UNTOUCHED = "staging-members", "staging-archive", "staging-reports"
TABLES = "SELECT relname FROM pg_class WHERE relname IN ('members', 'community_members', 'community_members_old')"


def tables(name: str, database: str) -> set[str]:
    return set(machines.sql(name, f"{TABLES} AND relkind = 'r'", database).splitlines())


def databases(name: str) -> list[str]:
    found = machines.sql(name, "SELECT datname FROM pg_database WHERE datname LIKE 'community%' ORDER BY datname")
    return found.splitlines()


def test_the_first_is_migrated() -> None:
    assert tables(MIGRATED, "community_staging_members") == {"members", "community_members_old"}
    assert databases(MIGRATED) == ["community_staging_members"]


def test_the_second_is_as_it_was_before_and_serves() -> None:
    database = "community_staging_archive"
    assert tables(ROLLED_BACK, database) == {"community_members", "community_members_old"}
    assert machines.sql(ROLLED_BACK, "SELECT count(*) FROM community_members", database) == "1247"
    assert machines.sql(ROLLED_BACK, "SHOW default_transaction_read_only", database) == "off"
    assert machines.sql(ROLLED_BACK, "CREATE TABLE written (); DROP TABLE written", database) == ""


def test_what_the_migration_had_made_of_the_second_is_kept() -> None:
    live, kept = databases(ROLLED_BACK)
    assert kept.startswith(f"{live}__failed_")
    allowed = f"SELECT datallowconn AND datconnlimit <> 0 FROM pg_database WHERE datname = '{kept}'"
    assert machines.sql(ROLLED_BACK, allowed) == "f"


def test_the_third_is_untouched() -> None:
    assert tables(UNTOUCHED, "community_staging_reports") == {"community_members"}
    assert databases(UNTOUCHED) == ["community_staging_reports"]
    assert machines.machine(UNTOUCHED).file(str(machines.BACKUPS)).listdir() == []


def test_the_console_and_the_report_say_so_of_each() -> None:
    home = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "fleet"
    (report,) = (home / "pgsafe" / "reports").glob("**/report.json")
    found = {host["host"]: host["verdict"] for host in json.loads(report.read_text(encoding="utf-8"))["hosts"]}
    assert found == {MIGRATED: "migrated", ROLLED_BACK: "rolled_back", UNTOUCHED: "not_reached"}
    console = (home / "console.txt").read_text(encoding="utf-8")
    assert 'relation "community_members_old" already exists' in console
