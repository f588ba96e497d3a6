# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promotion: a set that has passed in staging follows in production, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import evidence, record
from ansible_collections.pgsafe.migration.plugins.plugin_utils import promotions
from ansible_collections.pgsafe.migration.plugins.plugin_utils.promotions import Shelf
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.support import (
    SMALL,
    Database,
    proven,
    request,
    write_set,
)

import pgserver

FIRST = {"001_grade.sql": "ALTER TABLE customers ADD COLUMN grade integer;\n"}
SECOND = {
    "002_part.sql": "\\ir part.inc\n",
    "part.inc": "ALTER TABLE customers ADD COLUMN part text;\n",
    "003_view.sql": "-- pgsafe: repeatable\nCREATE OR REPLACE VIEW grades AS SELECT id, grade FROM customers;\n",
}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    directory = tmp_path / "promotion"
    directory.mkdir()
    return directory


def promotion(records: Path, **keys: object) -> dict[str, object]:
    return {"pg_migrate_promotion": {"dir": str(records), **keys}}


def staged(database: Database, root: Path, source: Path, records: Path, host: str = "stage") -> Path:
    """A run in staging without a play, with its record."""
    taken = proven(database, root)
    migrate.run(request(database, taken, source))
    found = evidence.look(root, database.target, Shelf(records, "staging", host, database.name).recorded)
    (run_id, text), = found.fresh.items()
    lines = promotions.lines(migration_set.read(source, ()))
    return Shelf(records, "staging", host, database.name).keep(run_id, text, lines)


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A record with something else in it, which its own digest agrees with."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(record.sealed(content))


def why(played: Played, host: str) -> str:
    """The lines of the report about a host that was refused."""
    report = played.output.rpartition("\nVERDICTS\n")[2]
    lines, own = [], False
    for line in report.splitlines():
        own = line.split()[:1] == [host] if line.startswith("  ") and not line.startswith("    ") else own
        lines += [line.strip()] if own else []
    return " ".join(lines)


@pytest.mark.fault(80)
def test_production_follows_staging(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path, records: Path
) -> None:
    """A record that could not be written is made by the next run; then comes production, and staging is rolled back."""
    source = write_set(ansible.home / "set", FIRST)
    production = clone("small")
    here = promotion(records, environment="staging")
    hosts: dict[str, Any] = {"stage": {**database.variables(backup_root, source), **here}}
    confirmed = json.dumps({"pg_migrate_confirm": [database.name, production.name], "pg_migrate_serial": 1})
    (records / "staging").touch()
    staging = ansible.play(hosts, "-e", confirmed)
    assert staging.status == 0, staging.output
    assert staging.verdict("stage") == "migrated and verified"
    assert "The promotion record could not be kept" in staging.flat
    (records / "staging").unlink()
    follows = promotion(records, environment="production", required_environments=["staging"])
    hosts["live"] = {**production.variables(backup_root, source), **follows}
    played = ansible.play(hosts, "-e", confirmed)
    assert played.status == 0, played.output
    assert played.verdict("live") == "migrated and verified", played.output
    assert recorded(records) == {f"staging/stage/{database.name}", f"production/live/{production.name}"}
    report = report_of(backup_root, production)
    assert json.loads(report.read_text())["promotion"].startswith("staging: stage")
    (kept,) = (json.loads(path.read_text()) for path in (records / "production").rglob("*.json"))
    assert kept["report"] == {"file": report.name, "sha256": hashlib.sha256(report.read_bytes()).hexdigest()}
    assert kept["began"] <= kept["verified"]
    assert promoted_by(report).startswith("staging: stage")
    undo = ["-e", "pg_migrate_backup_dir=before_last_migration", "-e", f"pg_migrate_confirm={database.name}"]
    undone = ansible.play({"stage": hosts["stage"]}, *undo, playbook="pgsafe.migration.rollback")
    assert undone.status == 0, undone.output
    assert [path.parent.parent.name for path in records.rglob("*.withdrawn.json")] == ["stage"]


def recorded(directory: Path) -> set[str]:
    """The places that have a record, as environment, host and database; nothing else is left behind."""
    found = [path for path in directory.rglob("*") if path.is_file() and not path.name.endswith(".withdrawn.json")]
    assert {path.suffix for path in found} == {".json"}
    assert all(record.read(path.read_text()).run_id == path.stem for path in found)
    return {str(path.parent.relative_to(directory)) for path in found}


def report_of(backup_root: Path, database: Database) -> Path:
    (report,) = backup_root.glob(f"{database.name}/migration_*/{manifest.VERIFICATION_JSON}")
    return report


def promoted_by(report: Path) -> str:
    """What the journal of a run says that it rests on."""
    run = journal.of_run(report.parent.parent.parent, report.parent.name[len("migration_") :])
    assert run is not None
    (entry,) = (entry for entry in run.entries() if entry.event is Event.PROMOTED)
    return str(entry.facts["by"])


@pytest.mark.fault(80)
def test_every_reason_not_to_follow_is_told_at_once(
    ansible: Ansible,
    database: Database,
    clone: Callable[[str], Database],
    running: Callable[[int], pgserver.Server],
    backup_root: Path,
    records: Path,
) -> None:
    first = write_set(ansible.home / "first", FIRST)
    whole = write_set(ansible.home / "whole", {**FIRST, **SECOND})
    production, drifted = clone("small"), clone("small")
    drifted.sql("ALTER TABLE customers ADD extra int; DROP VIEW best_customers; CREATE TABLE odd (a int)")
    unlike, unusable = (ansible.home / name for name in ("unlike", "unusable"))
    unlike.mkdir()
    with on_another_major(running) as older:
        staged(older, backup_root, whole, unlike)
    rewritten(last(unlike), lambda found: found.update(verified=ago(days=40)))
    staged(database, backup_root, first, records)
    shutil.copytree(records, unusable)
    Shelf(unusable, "staging", "stage", database.name).withdraw(last(unusable).stem)
    staged(database, backup_root, whole, records)
    broken = shutil.copy(last(records), unusable)
    Path(broken).rename(unusable / "staging" / "broken.json")
    rows = (unusable / "staging" / "broken.json").read_text().replace("002_part.sql", "002_port.sql")
    (unusable / "staging" / "broken.json").write_text(rows)
    changed = {"001_grade.sql": FIRST["001_grade.sql"] + " ", "part.inc": SECOND["part.inc"] + " "}
    other = write_set(ansible.home / "other", {**FIRST, **SECOND, **changed, "004_new.sql": "SELECT 1;\n"})
    cases: dict[str, tuple[Database, Path, Path, list[str]]] = {
        "covered": (production, whole, records, []),
        "files": (
            production,
            other,
            records,
            [
                "001_grade.sql is not the file that staging has applied",
                "002_part.sql is not the file that staging has applied",
                "part.inc has SHA-256",
                "+\\ No newline at end of file",
                "004_new.sql was never applied in staging",
            ],
        ),
        "unlike": (
            drifted,
            whole,
            unlike,
            [
                "staging has proven it on PostgreSQL 15",
                "too old: 40 d 0 h",
                "column public.customers.extra is not in staging",
                "relation public.best_customers is in staging only",
                "relation public.odd is not in staging",
            ],
        ),
        "unusable": (
            production,
            whole,
            unusable,
            ["broken.json: it was changed after it was", "no promotion record of staging", "Withdrawn: staging"],
        ),
    }
    hosts = {
        name: {
            **found.variables(backup_root, source),
            **promotion(place, required_environments=["staging"], max_age="30d"),
            # Together with what else stands in the way.
            "pg_migrate_expected_tables": ["nowhere"] if told else [],
        }
        for name, (found, source, place, told) in cases.items()
    }
    played = ansible.play(hosts, "--check", "-e", '{"pg_migrate_serial": ["100%"]}', "--forks", "2")
    assert not played.verdict("covered").startswith("refused"), played.output
    assert played.output.count("covered: [✓] Promotion: staging: stage") == 2, played.output
    for name in ("files", "unlike", "unusable"):
        assert played.verdict(name).startswith("refused"), (name, played.output)
        told = why(played, name)
        assert [text for text in (*cases[name][-1], "public.nowhere") if text not in told] == [], (name, told)


@contextmanager
def on_another_major(running: Callable[[int], pgserver.Server]) -> Iterator[Database]:
    server = running(15)
    found = Database(server, "another_major")
    server.psql(f"CREATE DATABASE {found.name} TEMPLATE template0")
    try:
        found.sql(SMALL)
        yield found
    finally:
        server.psql(f"DROP DATABASE {found.name} WITH (FORCE)")


def last(directory: Path) -> Path:
    return sorted(path for path in directory.rglob("*.json") if not path.name.endswith(".withdrawn.json"))[-1]


def ago(**span: int) -> str:
    return (datetime.now(timezone.utc) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.fault(80)
def test_a_file_that_changes_after_the_check_is_not_applied(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path, records: Path
) -> None:
    """Whatever is applied is what has passed, to the byte; a person who goes on without leaves his reason."""
    source = write_set(ansible.home / "set", FIRST)
    staged(database, backup_root, source, records)
    production, urgent = clone("small"), clone("small")
    before = production.fingerprint()
    keys = {"required_environments": ["staging"]}
    change = ["sh", "-c", f"printf ' ' >> {source / '001_grade.sql'}"]
    other = write_set(ansible.home / "other", {"009_urgent.sql": "ALTER TABLE customers ADD urgent int;\n"})
    hosts = {
        "live": {
            **production.variables(backup_root, source),
            **promotion(records, **keys),
            "pg_migrate_hooks": {"before_fence": [change]},
        },
        "urgent": {**urgent.variables(backup_root, other), **promotion(records, **keys, override="outage 4711")},
    }
    confirmed = {"pg_migrate_confirm": [production.name, urgent.name], "pg_migrate_serial": 2}
    played = ansible.play(hosts, "-e", json.dumps(confirmed))
    assert played.verdict("live").startswith("refused"), played.output
    assert "001_grade.sql (not in staging)" in why(played, "live")
    assert production.fingerprint() == before
    assert played.verdict("urgent") == "migrated and verified", played.output
    report = report_of(backup_root, urgent)
    assert json.loads(report.read_text())["promotion"] == "overridden: outage 4711"
    assert "outage 4711" in (report.parent / manifest.AUDIT_REPORT).read_text()
    assert promoted_by(report) == "overridden: outage 4711"
