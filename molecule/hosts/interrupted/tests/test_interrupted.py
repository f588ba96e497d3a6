"""The machine after its controller was killed in the middle of a migration, and the next run has migrated it."""

from __future__ import annotations

import json

import machines

NAME, DATABASE = "staging-members", "community_staging_members"


def events(directory: str) -> list[str]:
    text = machines.machine(NAME).file(f"{directory}/journal.jsonl").content_string
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_the_guard_rolled_back_by_itself_and_the_next_run_migrated() -> None:
    runs = machines.machine(NAME).check_output(f"ls -d {machines.BACKUPS}/.runs/*").splitlines()
    killed, next_run = map(events, sorted(runs))
    assert {"rolled_back"} <= set(killed)
    assert {"migrated"} <= set(next_run)
    assert "rolled_back" not in next_run


def test_what_the_killed_run_had_made_is_kept_and_not_live() -> None:
    assert machines.sql(NAME, "SELECT to_regclass('half_done') IS NULL", DATABASE) == "t"
    kept = f"SELECT count(*) FROM pg_database WHERE datname LIKE '{DATABASE}\\_\\_failed\\_%'"
    assert machines.sql(NAME, kept) == "1"


def test_the_rows_are_there_and_sessions_can_write() -> None:
    assert machines.sql(NAME, "SELECT count(*) FROM members", DATABASE) == "1247"
    assert machines.sql(NAME, "SHOW default_transaction_read_only", DATABASE) == "off"


def test_no_process_of_a_guard_is_left() -> None:
    assert machines.machine(NAME).run("pgrep --full '/guard_[0-9a-f]+'").rc == 1
