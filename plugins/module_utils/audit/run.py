# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Audit: what the data looks like before a migration; read only, in one snapshot, each rule within its time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Union

from ..errors import BadRequest
from ..journal.journal import now
from ..model import Target
from ..ports.database import ONE_SNAPSHOT, Session, session
from ..postgres import login_triggers, queries, snapshot
from .finding import NOT_LOOKED_AT, Finding, key_of
from .looking import UNLIMITED, Budget, Clock, Look
from .looks import Counting, Found, looks_of, share
from .own_rule import OwnRule
from .registry import RULES
from .report import AuditReport, RuleReading
from .rule import CATALOG, DATA

NAMES = tuple(rule.name for rule in RULES)
DATA_NAMES = frozenset(rule.name for rule in RULES if rule.scope == DATA)
ALL = (CATALOG, DATA)

_SCOPES = {rule.name: rule.scope for rule in RULES}


@dataclass(frozen=True)
class AuditRequest:
    """:param own_rules: the user's.
    :param waived: reasons by the name of a rule, or by the key of one finding of it.
    :param jobs: sessions that read tables, beside the one that holds the snapshot.
    """

    target: Target
    own_rules: tuple[OwnRule, ...]
    waived: Mapping[str, str]
    budget: Budget
    jobs: int


@dataclass(frozen=True)
class Audit:
    """:param rows: by table; without those that could not be counted in time.
    :param seconds: of reading, by rule.
    :param own_rules: names of the user's rules.
    """

    database: str
    rows: dict[str, int]
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    own_rules: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.blocks)

    @property
    def report(self) -> AuditReport:
        unseen = {finding.subject.partition(" ")[0] for finding in self.findings if finding.rule == NOT_LOOKED_AT}
        rules = {
            name: RuleReading(self.seconds.get(name, 0.0), complete=name not in unseen)
            for name in (*NAMES, *self.own_rules)
        }
        return AuditReport(now(), self.database, self.rows, self.findings, rules)


def run(request: AuditRequest) -> Audit:
    """
    :raises BadRequest: what is waived is no rule.
    :raises PgsafeError: the database cannot be read.
    """
    _require_known(request)
    # A rule of the user's own that ended the transaction would still not write.
    silenced = login_triggers.silenced(request.target)
    startup = {**silenced.startup, "default_transaction_read_only": "on"}
    target, clock = replace(silenced, startup=startup), Clock(request.budget)
    with session(target, purpose="audit") as holder, holder.transaction(ONE_SNAPSHOT):
        held = snapshot.Snapshot(holder.value(queries.EXPORT_SNAPSHOT), "", holder)
        counting = Counting(holder, clock)
        looks = [*looks_of(holder, ALL, request.own_rules, clock)]
        found = Found(looks, clock)
        share([*counting.work(), *found.work()], target, held, request.jobs)
    told = [replace(it, waived=_waiver(it, request.waived)) for it in (*found.in_order(), *counting.unseen())]
    own = tuple(rule.name for rule in request.own_rules)
    return Audit(request.target.dbname, counting.rows, tuple(told), clock.spent, own)


def findings(reader: Session) -> tuple[Finding, ...]:
    """What the rules find in the catalogs, in the order of the registry, by this session alone and in its snapshot."""
    if not reader.in_transaction:
        with reader.transaction(ONE_SNAPSHOT):
            return findings(reader)
    clock = Clock(UNLIMITED)
    return _looked(reader, looks_of(reader, (CATALOG,), (), clock), clock)


def findings_of(
    reader: Session, tables: Collection[str] | None, budget: Budget
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What the rules find in the catalogs and in the rows of some tables, and the keys of what was passed over.

    :param reader: is in a transaction of one snapshot.
    :param tables: their labels; None for all. What takes no time is looked at all the same.
    """
    clock, chosen, passed_over = Clock(budget), list[Union[Look, Finding]](), list[str]()
    for look in looks_of(reader, ALL, (), clock):
        if isinstance(look, Look) and tables is not None and look.tables and look.tables.isdisjoint(tables):
            passed_over.append(look.key)
        else:
            chosen.append(look)
    return _looked(reader, chosen, clock), tuple(passed_over)


def _looked(reader: Session, looks: Iterable[Look | Finding], clock: Clock) -> tuple[Finding, ...]:
    found = Found(looks, clock)
    for work in found.work():
        work(reader)
    return found.in_order()


def known(report: AuditReport | None, reader: Session) -> dict[str, int]:
    """What a manifest notes: the count of each finding by its key.

    :param report: of the audit before; its rules of scope ``data`` do not run again. None when there was no audit,
        which is noted as ``not_looked_at data``.
    :param reader: sees the snapshot of the backup; it is asked by the rules of scope ``catalog``.
    """
    if report is None:
        before = {key_of(NOT_LOOKED_AT, DATA): 1}
    else:
        before = {finding.key: finding.count for finding in report.findings if _SCOPES.get(finding.rule) != CATALOG}
    return {**before, **{finding.key: finding.count for finding in findings(reader)}}


def _waiver(finding: Finding, waived: Mapping[str, str]) -> str:
    return waived.get(finding.key) or waived.get(finding.rule, "")


def _require_known(request: AuditRequest) -> None:
    rules = {NOT_LOOKED_AT, *NAMES, *(rule.name for rule in request.own_rules)}
    for waived, reason in request.waived.items():
        if waived.partition(" ")[0] not in rules:
            raise BadRequest(
                f"There is no audit rule {waived} to waive.", remedy=f"Name one of {', '.join(sorted(rules))}."
            )
        if not str(reason).strip():
            raise BadRequest(f"The audit rule {waived} is waived without a reason.", remedy="Write RULE: reason.")
