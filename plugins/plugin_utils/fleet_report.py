# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet report: what the tasks of a play have returned, a record for each migration of a database.

It is a structure of its own, described by docs/fleet_report.schema.json, of which all forms are made. Results come from
targets, so that every value is checked and every text made visible on its way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..module_utils import playbooks
from ..module_utils.journal import verdicts
from ..module_utils.journal.verdicts import Verdict
from . import fleet_availability
from .result_values import count, mapping, mappings, number, text, texts, total

FORMAT = 1

STEPS = (
    *("Gate", "Recover", "Preflight", "Plan", "Audit", "Fence", "Backup", "Verify", "Copy", "Confirm", "Migrate"),
    *("Finish", "Failure", "Report", "Batch", "Prune"),
)

_STATUS = "Look at the run: ansible-playbook -i INVENTORY -l HOST pgsafe.migration.status"

_NEXT: Mapping[Verdict, tuple[str, ...]] = {
    Verdict.MIGRATED: (
        "Test the application against the migrated database: screens, API and jobs.",
        "Watch its logs for 24 to 48 hours.",
        "Keep the backup for at least 7 days of successful operation.",
    ),
    Verdict.PENDING: ("Run it without --check.",),
    Verdict.REFUSED: ("Fix what refused the run, then run it again.",),
    Verdict.FAILED_UNCHANGED: ("Fix the cause, then run it again.",),
    Verdict.ROLLED_BACK: ("Look into the failed database, which is kept; fix the migration, then run it again.",),
    Verdict.ROLLED_BACK_WITH_BATCH: ("Fix the hosts of the batch that failed, then run it again.",),
    Verdict.RESOLVED: ("Run it again.",),
    Verdict.HELD: (
        "Decide: ansible-playbook -i INVENTORY -l HOST pgsafe.migration.recover, "
        "with pg_migrate_decision=accept or roll_back.",
    ),
    Verdict.ROLLBACK_FAILED: ("Follow the remedy above before anything else; the backup is proven.",),
    Verdict.UNFINISHED: (_STATUS,),
    Verdict.UNKNOWN: (_STATUS,),
    Verdict.UNREACHABLE: ("Make the host reachable, then look at the run with pgsafe.migration.status.",),
    Verdict.NOT_REACHED: ("Fix the hosts of the earlier batches, then run it again.",),
}


@dataclass
class Step:
    """One step of a run on one host, from its first task to its last; seconds since the beginning of the play."""

    name: str
    began: float
    ended: float
    well: bool = True


@dataclass
class Migration:
    """What is known of the migration of one database on one host.

    :param sections: by what it is of, the newest result.
    """

    host: str
    batch: int | None = None
    database: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    told: str = ""
    well: bool = False
    reasons: Sequence[str] = ()
    steps: list[Step] = field(default_factory=list)
    sections: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        return self.sections.get(name, {})

    def said(self, name: str) -> Any:
        """Of the migration, or of its end by a later task."""
        found = [self.section(section).get(name) for section in ("batch", "finish", "migrate")]
        return next((value for value in found if value not in (None, "", [], {})), None)


@dataclass(frozen=True)
class Task:
    """:param name: behind the name of the role, such as ``Backup | Back up in three formats from one snapshot``."""

    name: str
    action: str

    @property
    def step(self) -> str:
        return self.name.partition(" | ")[0]

    @property
    def section(self) -> str:
        """What its result is of."""
        module = self.action.rpartition(".")[2]
        if module in ("pg_migration_apply", "pg_guard"):
            return "plan" if self.step == "Plan" else "migrate"
        return "finish" if (module, self.step) == ("pg_recover", "Finish") else _SECTIONS.get(module, "")


_SECTIONS = {
    "pg_preflight_facts": "preflight",
    "pg_audit_info": "audit",
    "pg_backup": "backup",
    "pg_backup_verify": "proof",
    "pg_batch_rollback": "batch",
}


class Gathering:
    """What the callback hands on, task by task.

    :param began: the beginning of the play, in seconds of any clock; so are all other moments.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._batches = 0
        self._batch_of: dict[str, int] = {}
        self._expected: set[str] = set()
        self._found: dict[str, list[Migration]] = {}
        self._started: dict[str, float] = {}

    def batch(self, hosts: Sequence[str]) -> None:
        """A batch begins with the role; a host that an earlier play has lost does not take part."""
        self._batches += 1
        self._batch_of.update(dict.fromkeys(hosts, self._batches))
        self._expected = set(hosts)

    def start(self, host: str, moment: float) -> None:
        self._started[host] = moment - self._began

    def take(self, host: str, task: Task, said: Mapping[str, Any], moment: float, well: bool = True) -> None:
        """The result of a task of the role."""
        word = text(mapping(said.get("ansible_facts")).get("pg_migrate_verdict"))
        migration = self._current(host, again=task.step == "Gate" and bool(word))
        self._time(migration, task.step, moment - self._began, well)
        if section := task.section:
            migration.sections[section] = {**migration.section(section), **said}
        if word:
            migration.verdict = verdicts.of_word(word)
            migration.told, migration.well = migration.verdict.text, migration.verdict in verdicts.WELL_IN_CHECK_MODE

    def end(self, host: str, verdict: Verdict, well: bool, told: str, reasons: Sequence[str]) -> None:
        """How the last migration of a host has ended."""
        migration = self._last(host)
        migration.verdict, migration.told, migration.well, migration.reasons = verdict, told, well, reasons

    def named(self, host: str) -> bool:
        """Whether a server has named the database of all migrations of a host."""
        return all(_database(migration) for migration in self._found.get(host, []))

    def name(self, host: str, database: str) -> None:
        """The database as the inventory names it."""
        for migration in self._found.get(host, []):
            migration.database = migration.database or database

    def report(self, hosts: Sequence[str], began: datetime, seconds: float, check_mode: bool) -> dict[str, Any]:
        """Of all hosts, in the order of the inventory."""
        found = [migration for host in hosts for migration in self._found.get(host, [])]
        records = [record(migration) for migration in found]
        return {
            "format": FORMAT,
            "began": _moment(began),
            "seconds": round(seconds, 1),
            "check_mode": check_mode,
            "well": all(one["well"] for one in records),
            "verdicts": {word: sum(one["verdict"] == word for one in records) for word in _words(records)},
            "hosts": records,
        }

    def _current(self, host: str, again: bool) -> Migration:
        """
        :param again: the role begins anew; a play may migrate several databases of a host, one after the other.
        """
        if host in self._expected or (again and self._last(host).steps):
            self._expected.discard(host)
            self._begin(host)
        return self._last(host)

    def _begin(self, host: str) -> None:
        self._found.setdefault(host, []).append(Migration(host, batch=self._batch_of.get(host)))

    def _last(self, host: str) -> Migration:
        if host not in self._found:
            self._begin(host)
        return self._found[host][-1]

    def _time(self, migration: Migration, name: str, moment: float, well: bool) -> None:
        """Tasks of the user's own belong to the step that they are in."""
        began = self._started.pop(migration.host, moment)
        known = migration.steps[-1] if migration.steps else None
        if known and (name == known.name or name not in STEPS):
            known.ended, known.well = moment, known.well and well
        elif name in STEPS:
            migration.steps.append(Step(name, began, moment, well))


def _words(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(one["verdict"] for one in records))


def _moment(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(of: Migration) -> dict[str, Any]:
    """The record of one host and database."""
    verification = mapping(of.said("verification"))
    return {
        "host": text(of.host),
        "database": _database(of),
        "batch": of.batch,
        "verdict": of.verdict.value,
        "told": text(of.told) or of.verdict.text,
        "well": of.well,
        "reasons": [text(line) for line in of.reasons if line.strip()],
        "run_id": text(of.section("backup").get("run_id")),
        "server": text(_facts(of).get("server_version_text")),
        "version": _version(of, verification),
        "rows": _rows(of, verification),
        "seconds": _seconds(of),
        "seconds_read_only": number(of.said("seconds_read_only")),
        "seconds_closed": number(of.said("seconds_closed")),
        "availability": _availability(of),
        "backup": _backup(of),
        "rollback": _rollback(of),
        "retained_copy": _retained(of),
        "steps": [_step(step, of.steps[0].began) for step in of.steps],
        "files": _files(of, verification),
        "audit": _audit(mapping(of.section("audit").get("audit"))),
        "verification": _verification(verification),
        "next": _next(of, verification),
    }


def _facts(of: Migration) -> Mapping[str, Any]:
    return mapping(mapping(of.section("preflight").get("ansible_facts")).get("pg_preflight"))


def _database(of: Migration) -> str:
    return text(_facts(of).get("database")) or text(of.database)


def _seconds(of: Migration) -> float | None:
    return round(of.steps[-1].ended - of.steps[0].began, 1) if of.steps else None


def _step(step: Step, began: float) -> dict[str, Any]:
    after, took = (round(max(0.0, seconds), 1) for seconds in (step.began - began, step.ended - step.began))
    return {"step": step.name, "after": after, "seconds": took, "well": step.well}


def _version(of: Migration, verification: Mapping[str, Any]) -> dict[str, str]:
    """Of a tool's own history; of SQL files the last one. Only what was migrated has one after it."""
    changes = mappings(of.said("versions")) or mappings(of.section("plan").get("versions"))
    if changes:
        before, after = (_joined(text(one.get(key)) for one in changes) for key in ("before", "after"))
    else:
        ran = [text(file.get("name")) for file in mappings(verification.get("files"))]
        before, after = text(of.section("plan").get("newest")), ran[-1] if ran else ""
    return {"before": before, "after": after if of.verdict is Verdict.MIGRATED else ""}


def _joined(words: Iterable[str]) -> str:
    return ", ".join(filter(None, words))


def _rows(of: Migration, verification: Mapping[str, Any]) -> dict[str, int | None]:
    tables = mappings(verification.get("tables"))
    before = [table.get("before") for table in tables] or list(mapping(of.section("backup").get("rows")).values())
    restored = mapping(_done(of).get("rows"))
    after = list(restored.values()) or [table.get("after") for table in tables]
    audited = mapping(mapping(of.section("audit").get("audit")).get("rows")).values()
    return {"before": total(before) if before else total(audited), "after": total(after)}


def _availability(of: Migration) -> dict[str, Any] | None:
    """None where no fence was raised, as nothing was pending."""
    if of.verdict is Verdict.UNCHANGED:
        return None
    still_closed = of.verdict in (Verdict.HELD, Verdict.ROLLBACK_FAILED)
    return fleet_availability.record(_facts(of), (lambda _name: None) if still_closed else of.said)


def _backup(of: Migration) -> dict[str, Any] | None:
    taken = of.section("backup")
    if not text(taken.get("backup_dir")):
        return None
    level = text(of.section("proof").get("reached"))
    return {"dir": text(taken["backup_dir"]), "bytes": count(taken.get("bytes")), "level": level}


def _retained(of: Migration) -> dict[str, Any] | None:
    """The verified copy beside a migrated database, and what a rollback to it loses, as counted at the end."""
    name = text(of.said("retained_copy"))
    if not name or of.verdict is not Verdict.MIGRATED:
        return None
    written = texts(of.section("batch").get("written_since"))
    return {"name": name, "until": text(of.said("retained_until")), "written_since": written}


def _done(of: Migration) -> Mapping[str, Any]:
    """A rollback by the run itself, or the later one with its batch."""
    with_batch = of.verdict is Verdict.ROLLED_BACK_WITH_BATCH
    return of.section("batch") if with_batch else mapping(of.said("rollback"))


def _rollback(of: Migration) -> dict[str, Any]:
    """What one took, or how long one from the archive is expected to take."""
    done = _done(of)
    return {
        "expected_seconds": number(of.section("proof").get("restore_seconds")),
        "seconds": number(done.get("seconds")),
        "method": text(done.get("method")),
        "kept": text(done.get("kept")),
        "not_given_back": texts(of.said("not_given_back")) or texts(of.section("proof").get("not_given_back")),
    }


def _files(of: Migration, verification: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ran, with its duration, and what is still pending."""
    timed = {text(ran.get("name")): ran for ran in mappings(of.said("file_runs"))}
    ran = {**timed, **{text(file.get("name")): file for file in mappings(verification.get("files"))}}
    failed = [name for name, one in timed.items() if one.get("failed") is True]
    recorded = [text(file.get("name")) for file in mappings(verification.get("files"))]
    applied = [name for name in recorded or texts(of.said("applied")) if name not in failed]
    pending = [name for name in texts(of.section("plan").get("files")) if name not in (*applied, *failed)]
    undone = of.verdict in (Verdict.ROLLED_BACK, Verdict.ROLLED_BACK_WITH_BATCH)
    states = {
        **dict.fromkeys(applied, "rolled_back" if undone else "applied"),
        **dict.fromkeys(failed, "failed"),
        **dict.fromkeys(pending, "pending"),
    }
    return [_file(name, ran.get(name, {}), state, timed.get(name, {})) for name, state in states.items()]


def _file(name: str, ran: Mapping[str, Any], state: str, timed: Mapping[str, Any]) -> dict[str, Any]:
    kind, seconds, reason = text(ran.get("kind")), number(ran.get("seconds")), text(ran.get("reason"))
    facts = {"name": name, "state": state, "kind": kind, "seconds": seconds, "reason": reason}
    return {**facts, "locks": _locks(timed)}


def _locks(ran: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """None where they are not known."""
    found = ran.get("locks")
    return None if found is None else [_texts(lock, "table", "mode") for lock in mappings(found)]


def _audit(found: Mapping[str, Any]) -> dict[str, Any] | None:
    if not found:
        return None
    findings = [_finding(finding) for finding in mappings(found.get("findings"))]
    return {"rows": total(mapping(found.get("rows")).values()), "findings": findings}


def _finding(found: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("severity", "rule", "subject", "what", "remedy", "waived")
    return {**{key: text(found.get(key)) for key in keys}, "count": count(found.get("count"))}


def _verification(found: Mapping[str, Any]) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "passed": found.get("passed") is True,
        "problems": texts(found.get("problems")),
        "warnings": texts(found.get("warnings")),
        "promotion": text(found.get("promotion")),
        "tables": [_table(table) for table in mappings(found.get("tables"))],
        "findings": [_delta(delta) for delta in mappings(found.get("findings"))],
        "assertions": [_assertion(one) for one in mappings(found.get("assertions"))],
        "objects": [_texts(one, "how", "kind", "name") for one in mappings(found.get("objects"))],
        "outside": texts(found.get("outside")),
    }


def _texts(found: Mapping[str, Any], *keys: str) -> dict[str, str]:
    return {key: text(found.get(key)) for key in keys}


def _table(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = {key: count(found.get(key)) for key in ("before", "after")}
    return {**_texts(found, "table", "expectation", "verdict"), **rows}


def _delta(found: Mapping[str, Any]) -> dict[str, Any]:
    counts = {key: count(found.get(key)) for key in ("before", "after")}
    return {**_texts(found, "how", "severity", "key", "what", "remedy"), **counts}


def _assertion(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**_texts(found, "name", "said"), "passed": found.get("passed") is True}


def _next(of: Migration, verification: Mapping[str, Any]) -> list[str]:
    """What is left to people."""
    steps = list(_NEXT.get(of.verdict, ()))
    if of.verdict is Verdict.MIGRATED:
        analyse = [text(one.get("statement")) for one in mappings(verification.get("unanalysed"))]
        steps = [*[f"Run: {statement}" for statement in analyse], *steps]
        if backup := _backup(of):
            steps.append(f"To roll it back by hand: {playbooks.rolling_back(backup['dir'])}")
    return steps
