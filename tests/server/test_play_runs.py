# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole runs through ansible-playbook: migrated, rolled back, asked for, seen from -vvv."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    EXAMPLE,
    GOOD,
    Database,
    databases,
    everything,
    ours,
    proven,
    request,
    write_set,
)


def backups(backup_root: Path) -> list[Path]:
    return sorted(path.parent for path in backup_root.glob("*/migration_*/manifest.json"))


def test_a_good_run_migrates_and_a_second_one_finds_nothing_to_do(
    ansible: Ansible, sample: Database, backup_root: Path
) -> None:
    hosts = {"one": sample.variables(backup_root, EXAMPLE / "migrations" / "good")}
    confirmed = ["-e", f"pg_migrate_confirm={sample.name}"]
    first = ansible.play(hosts, *confirmed)
    assert first.status == 0, first.output
    assert first.verdict("one") == "migrated and verified"
    assert sample.sql("SELECT count(*) FROM members") == sample.sql("SELECT count(*) FROM community_members_old")
    assert ours(sample.server, sample.name) == set()
    (log,) = (ansible.home / "pgsafe" / "one").iterdir()
    (beside,) = backup_root.glob("*/migration_*/migration_*.log")
    assert log.name == beside.name
    shown, target = log.read_text().split("---- On the target ----\n")
    assert "Phase 1: PRE-MIGRATION  [✓]" in shown
    assert shown.splitlines()[-2].endswith("VERDICT  migrated and verified")
    assert "MIGRATE   Applied 005_constrain_members.sql" in target
    # What came after the result that took it along: the verified copy was dropped, and its watchdog has gone.
    assert beside.read_text().startswith(target)
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=beside.parent, check=False).returncode == 0
    migrated = sample.fingerprint()
    second = ansible.play(hosts, *confirmed)
    assert second.status == 0, second.output
    assert second.verdict("one") == "unchanged: the set was applied before"
    assert len(backups(backup_root)) == 1
    assert sample.fingerprint() == migrated
    written = everything(backup_root)
    foreseen = ansible.play(hosts, "--check")
    assert foreseen.status == 0, foreseen.output
    assert foreseen.verdict("one") == "unchanged: the set was applied before"
    assert everything(backup_root) == written


STALE = """
CREATE MATERIALIZED VIEW public.stale AS SELECT 1 AS a WHERE to_regclass('public.later') IS NULL;
CREATE TABLE public.later (a integer)
"""


def test_a_broken_run_fails_and_leaves_the_database_as_it_was(
    ansible: Ansible, sample: Database, backup_root: Path
) -> None:
    sample.sql(STALE)
    before = sample.fingerprint()
    hosts = {"one": sample.variables(backup_root, EXAMPLE / "migrations" / "broken")}
    played = ansible.play(hosts, "-e", f"pg_migrate_confirm={sample.name}")
    assert played.status == 2, played.output
    excepted = "materialized view public.stale: 0 rows instead of 1 rows"
    assert played.verdict("one") == f"rolled back: the database is as it was before, except: {excepted}"
    assert f"is as it was before, except: {excepted}; the failed one is kept as" in played.flat
    assert "materialized views are refreshed, not restored: public.city_activity, public." in played.flat
    assert 'column "phone" of relation "community_members" contains null values' in played.flat
    assert sample.fingerprint() == before
    assert list((ansible.home / "remote").iterdir()) == []
    (kept,) = ours(sample.server, sample.name)
    assert kept.startswith(f"{sample.name}__failed_")
    assert sample.admin(f"SELECT datallowconn FROM pg_database WHERE datname = '{kept}'") == "f"
    (log,) = (ansible.home / "pgsafe" / "one").iterdir()
    shown, target = log.read_text().split("---- On the target ----\n")
    assert f"VERDICT  rolled back: the database is as it was before, except: {excepted}" in shown
    assert 'column "phone" of relation "community_members" contains null values' in target.partition("FAILED")[2]
    assert f"VERDICT   ROLLED BACK by verified_copy; the failed database is kept as {kept}" in target


FORGED = """
DO $forged$ BEGIN
  RAISE NOTICE E'an aside\n[OK] migrated and verified';
  RAISE EXCEPTION E'no\n\nVERDICTS\n  one  migrated and verified\r\\033[2J\u202e|';
END $forged$;
"""


def test_a_message_of_the_server_imitates_no_verdict(ansible: Ansible, database: Database, backup_root: Path) -> None:
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", {"001.sql": FORGED}))}
    (ansible.home / "ansible.cfg").write_text((EXAMPLE.parent / "ansible.cfg").read_text())
    played = ansible.play(hosts, "-e", f"pg_migrate_confirm={database.name}")
    assert played.status == 2, played.output
    (log,) = (ansible.home / "pgsafe" / "one").iterdir()
    (beside,) = backup_root.glob("*/migration_*/migration_*.log")
    texts = [played.output, log.read_text(), beside.read_text()]
    forged = [line for text in texts for line in text.splitlines() if "migrated and verified" in line]
    assert len(forged) > 3
    assert [line for line in forged if "| " not in line and not line.startswith("fatal: ")] == []
    assert [sign for text in texts for sign in text if sign in "\x1b\u202e"] == []
    # A failed task prints no more than its message.
    assert "what_failed" not in played.output
    assert len(played.output.splitlines()) < 120, played.output
    said = played.output.rpartition("\nVERDICTS\n")[2].splitlines()
    assert said[0] == "  one  failed: the database is as it was, nothing had to be restored", played.output
    assert said[1] == "      psql ended with status 3: psql:001.sql:9: ERROR:  no"


def test_check_mode_foresees_a_run_and_writes_nothing(ansible: Ansible, database: Database, backup_root: Path) -> None:
    before = database.fingerprint()
    around = databases(database.server)
    source = write_set(ansible.home / "set", GOOD)
    played = ansible.play({"one": database.variables(backup_root, source)}, "--check", "--diff")
    assert played.status == 0, played.output
    assert "Pending: 001_add.sql" in played.output
    assert "+++ after: 001_add.sql (pending)" in played.output
    assert all(f"+{line}" in played.output for text in GOOD.values() for line in text.splitlines())
    assert "A backup of" in played.output
    assert everything(backup_root) == []
    assert database.fingerprint() == before
    assert databases(database.server) == around


def test_the_files_are_listed_with_what_became_of_them(ansible: Ansible, database: Database, backup_root: Path) -> None:
    source = write_set(ansible.home / "set", GOOD)
    migrate.run(request(database, proven(database, backup_root), source))
    write_set(source, {"010_new.sql": "SELECT 1;\n"})
    (source / "002_fill.sql").write_text("SELECT 2;\n")
    (source / "001_add.sql").unlink()
    before = database.fingerprint()
    hosts = {"one": {**database.variables(backup_root / "nowhere", source), "pg_migrate_set_name": "default"}}
    played = ansible.play(hosts, playbook="pgsafe.migration.info")
    assert played.status == 0, played.output
    rows = [line.split() for line in played.output.splitlines() if ".sql" in line]
    told = [(row[row.index(name) - 1 : row.index(name) + 2]) for row in rows for name in row if name.endswith(".sql")]
    assert ["1", "001_add.sql", "missing"] in told, played.output
    assert ["2", "002_fill.sql", "changed"] in told
    assert ["3", "003_index.sql", "applied"] in told
    assert ["10", "010_new.sql", "pending"] in told
    assert database.fingerprint() == before


def test_without_a_terminal_and_without_a_variable_nothing_is_changed(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    before = database.fingerprint()
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
    played = ansible.play(hosts)
    assert played.status == 2, played.output
    assert "It could not be confirmed: There is no terminal to ask on." in played.flat
    assert f"pg_migrate_confirm={database.name}" in played.flat
    assert played.verdict("one") == "refused: nothing was changed"
    assert everything(backup_root) == []
    assert database.fingerprint() == before


def test_the_name_of_another_database_confirms_nothing(ansible: Ansible, database: Database, backup_root: Path) -> None:
    before = database.fingerprint()
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
    played = ansible.play(hosts, "-e", f"pg_migrate_confirm={database.name}_")
    assert played.status == 2, played.output
    assert f"pg_migrate_confirm names {database.name}_; the database of this host" in played.flat
    assert everything(backup_root) == []
    assert played.verdict("one") == "refused: nothing was changed"
    assert database.fingerprint() == before


@pytest.mark.oldest
def test_a_person_who_types_yes_confirms(ansible: Ansible, database: Database, backup_root: Path) -> None:
    database.sql(STALE)
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
    played = ansible.ask(hosts, "yes\r")
    assert played.status == 0, played.output
    assert "Not given back by a rollback: materialized view public.stale: 0 rows instead of 1 rows" in played.flat
    assert played.verdict("one") == "migrated and verified"
    assert f"Location: {backups(backup_root)[0]}" in played.flat


@pytest.mark.parametrize("answer", ["no\r", "\x03"], ids=["no", "ctrl-c"])
def test_a_person_who_types_anything_else_does_not(
    ansible: Ansible, database: Database, backup_root: Path, answer: str
) -> None:
    before = database.fingerprint()
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
    played = ansible.ask(hosts, answer)
    assert played.status != 0, played.output
    assert played.verdict("one") == "refused: nothing was changed"
    assert database.fingerprint() == before
    assert "which had not begun to migrate" in played.flat
    assert ours(database.server, database.name) == set()
    database.sql("DELETE FROM orders")


@pytest.mark.parametrize(
    ("answer", "timeout"), [*((said, 100) for said in ("\r", "YES\r", "y\r", "yes no\r", " yes \r")), ("yes", 1)]
)
def test_only_a_yes_in_time_is_a_yes(ansible: Ansible, answer: str, timeout: int) -> None:
    asked = {"host": "one", "database": "app", "backup_dir": "/backups/1", "bytes": 1, "restore_seconds": 0.0}
    question = {"pgsafe.migration.pg_confirm": {"databases": [asked], "timeout": timeout}, "register": "answer"}
    told = {"ansible.builtin.debug": {"msg": "confirmed: {{ answer.confirmed | join }}. {{ answer.reason }}"}}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [question, told]}]
    played = ansible.ask({"one": {}}, answer, playbook=ansible.playbook(plays))
    assert f"confirmed: {'one/app' if answer.split() == ['yes'] and timeout > 1 else ''}." in played.flat, played.output
    assert ("No answer within 1 s." in played.flat) == (timeout == 1)


def test_no_output_however_detailed_shows_a_password_or_a_variable_of_the_command(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    """Not even where the command prints it, and ends well or not; one that is short or the database's name spoils
    nothing. The password is an option here, and a part of a URL there."""
    server, secret = database.server, "8f2e-of-the-command"
    databases = {"option": database, "url": clone("small")}

    def variables(host: str, status: int) -> dict[str, Any]:
        name = databases[host].name
        sql = "ALTER TABLE customers ADD COLUMN told int"
        command = f'"{server.bin_dir}/psql" -qc "{sql}" && echo "it is $TOKEN" >&2; echo "$TOKEN"; exit {status}'
        environment = {"TOKEN": secret, "DEBUG": "1", "EMPTY": "", "NAME": name}
        over_tcp = {"login_host": "127.0.0.1", "login_unix_socket": "", "login_password": server.password}
        told = databases[host].variables(backup_root, None, **over_tcp)
        return {**told, "pg_migrate_command": {"argv": ["sh", "-c", command], "environment": environment}}

    url = f"postgresql://postgres:{server.password}@127.0.0.1:{server.port}/{databases['url'].name}"
    by_url = {"pg_migrate_connection": {"login_url": url, "bin_dir": str(server.bin_dir)}}
    hosts = {"option": variables("option", 1), "url": {**variables("url", 0), **by_url}}
    confirmed = {"pg_migrate_confirm": [found.name for found in databases.values()], "pg_migrate_serial": "100%"}
    played = ansible.play(hosts, "-e", json.dumps(confirmed), "-vvvv")
    assert played.verdict("option").startswith("rolled back: the database is as it was before"), played.output
    assert played.verdict("url").startswith("migrated and verified")
    kept = [path for root in (backup_root, ansible.home / "pgsafe") for path in root.rglob("*") if path.is_file()]
    logged = b"".join(path.read_bytes() for path in kept)
    assert b"********" in logged
    for hidden in (secret, server.password):
        assert hidden not in played.output
        assert hidden.encode() not in logged
