# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what is pending here has passed in another environment: every reason why not, in words; pure.

One database of the environment must have applied every pending file, in one run or several. Age and soak are those of
the last of these runs; the schema before is compared with that before the first of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..compare import schema
from ..compare.schema import Inventory
from ..errors import Problem
from ..foreign_text import visible
from ..text import first_few
from .policy import VARIABLE, Policy
from .record import Record, Step

CHECK = "promotion"

_MOST_DIFFERENCES = 10
_MOST_LINES = 20


@dataclass(frozen=True)
class Kept:
    """What the directory has of one environment.

    :param records: that count.
    :param withdrawn: one line for each that was withdrawn.
    :param broken: one line for each that cannot be read.
    """

    environment: str
    place: str
    records: tuple[Record, ...] = ()
    withdrawn: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Here:
    """What is about to be done.

    :param pending: to be run, in its order.
    :param schema: of the database now.
    :param texts: lines of files by their SHA-256, where the controller has them.
    """

    set_name: str
    pending: tuple[Step, ...]
    server_major: int
    schema: Inventory
    now: datetime
    texts: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Judgement:
    """:param told: the records that what is pending rests on, a line each."""

    problems: tuple[Problem, ...] = ()
    told: tuple[str, ...] = ()


def judge(kept: Sequence[Kept], here: Here, policy: Policy) -> Judgement:
    """
    :param kept: of every required environment.
    """
    if not here.pending:
        return Judgement()
    told: list[str] = []
    findings: list[tuple[str, str]] = []
    for environment in kept:
        covering, found = _best(environment, here, policy)
        findings += [*_of_broken(environment), *found]
        told += [record.told for record in covering]
    problems = [Problem(CHECK, "error", what, remedy) for what, remedy in findings]
    return Judgement(tuple(_with_override(problems, policy.override)), tuple(told))


def _with_override(problems: Sequence[Problem], reason: str) -> Iterator[Problem]:
    """As waived, where a person goes on; else the last one says how."""
    for problem in problems:
        if reason:
            yield Problem(problem.check, "warning", problem.what, problem.remedy, reason)
        elif problem is problems[-1]:
            way_on = f'To go on without: {VARIABLE}.override: "the reason".'
            yield Problem(problem.check, problem.severity, problem.what, f"{problem.remedy} {way_on}")
        else:
            yield problem


def _best(kept: Kept, here: Here, policy: Policy) -> tuple[list[Record], list[tuple[str, str]]]:
    """The runs that it rests on, and what speaks against them: of a database that fits wholly, else of the newest."""
    covering = [runs for runs in _databases(kept, here) if not _missing(runs, here)]
    if not covering:
        return [], list(_not_applied(kept, here))
    needed = [_needed(runs, here) for runs in sorted(covering, key=_last, reverse=True)]
    judged = [(runs, list(_findings(kept, runs, here, policy))) for runs in needed]
    return next((one for one in judged if not one[1]), judged[0])


def _databases(kept: Kept, here: Here) -> list[list[Record]]:
    """The runs of the set by database, oldest first."""
    grouped: dict[tuple[str, str], list[Record]] = {}
    for record in sorted(kept.records, key=lambda record: (record.verified, record.run_id)):
        if record.set_name == here.set_name:
            grouped.setdefault((record.host, record.database), []).append(record)
    return list(grouped.values())


def _last(runs: Sequence[Record]) -> datetime:
    return runs[-1].verified


def _missing(runs: Sequence[Record], here: Here) -> list[Step]:
    return [step for step in here.pending if not any(_has(record, step) for record in runs)]


def _lacking(runs: Sequence[Record], here: Here) -> tuple[int, int]:
    """How many steps were not applied, and how many of them have not even the name of one that was."""
    missing, names = _missing(runs, here), {step.name for record in runs for step in record.steps}
    return len(missing), len([step for step in missing if step.name not in names])


def _has(record: Record, step: Step) -> bool:
    return any(step.is_same(other) for other in record.steps)


def _needed(runs: Sequence[Record], here: Here) -> list[Record]:
    """For each pending step the newest run that has applied it."""
    newest = [[record for record in runs if _has(record, step)][-1] for step in here.pending]
    return [record for record in runs if record in newest]


def _of_broken(kept: Kept) -> Iterator[tuple[str, str]]:
    for line in kept.broken:
        yield f"A promotion record of {kept.environment} cannot be used: {line}.", "Restore it, or remove it."


def _findings(kept: Kept, covering: Sequence[Record], here: Here, policy: Policy) -> Iterator[tuple[str, str]]:
    yield from _of_age(kept.environment, covering[-1], here, policy)
    yield from _of_major(kept.environment, covering, here)
    yield from _of_schema(kept, covering, here)


def _not_applied(kept: Kept, here: Here) -> Iterator[tuple[str, str]]:
    databases = _databases(kept, here)
    withdrawn = f" Withdrawn: {first_few(kept.withdrawn)}." if kept.withdrawn else ""
    first = f"Migrate {kept.environment} first."
    if not databases:
        none = f"There is no promotion record of {kept.environment} for the set {here.set_name} in {kept.place}."
        yield f"{none}{withdrawn}", first
        return
    best = min(databases, key=lambda runs: (*_lacking(runs, here), here.now - _last(runs)))
    for step in _missing(best, here):
        yield f"{_why(step, best, here, kept.environment)}{withdrawn}", first


def _why(step: Step, runs: Sequence[Record], here: Here, environment: str) -> str:
    """Never applied there, or another file of that name."""
    there = [(record, other) for record in runs for other in record.steps if other.name == step.name]
    if not there:
        return f"{step.name} was never applied in {environment}."
    record, other = there[-1]
    kind = "command" if other.by_command or step.by_command else "file"
    differing = list(_differing(other, step))
    named = "; ".join([one.told for one in differing[:_MOST_DIFFERENCES]])
    more = f"; and {len(differing) - _MOST_DIFFERENCES} more" if len(differing) > _MOST_DIFFERENCES else ""
    diffs = "".join(_diff(one, record, here, environment) for one in differing)
    return f"{step.name} is not the {kind} that {environment} has applied (run {record.run_id}): {named}{more}.{diffs}"


@dataclass(frozen=True)
class _Differing:
    """A file that is another one here: its SHA-256 there and here, empty where there is none."""

    name: str
    old: str
    new: str

    @property
    def told(self) -> str:
        if not self.new:
            return f"{self.name} is missing here"
        if not self.old:
            return f"{self.name} is new here"
        return f"{self.name} has SHA-256 {self.old[:12]}… there, {self.new[:12]}… here"


def _differing(there: Step, here: Step) -> Iterator[_Differing]:
    """Of a command the files of its tree, where these are known; else it differs as a whole."""
    in_tree = list(_between(there.tree, here.tree)) if there.tree and here.tree else []
    if in_tree:
        yield from in_tree
        return
    yield from _between([(there.name, there.sha256)], [(here.name, here.sha256)])
    yield from _between(there.parts, here.parts)


def _between(there: Sequence[tuple[str, str]], here: Sequence[tuple[str, str]]) -> Iterator[_Differing]:
    old, new = dict(there), dict(here)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield _Differing(name, old.get(name, ""), new.get(name, ""))


def _diff(differing: _Differing, record: Record, here: Here, environment: str) -> str:
    old, new = record.texts.get(differing.old), here.texts.get(differing.new)
    if not old or not new:
        return ""
    names = f"{environment}/{differing.name}", differing.name
    lines = list(difflib.unified_diff(list(old), list(new), *names, n=1, lineterm=""))
    more = [f"… and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return "".join(f"\n       {visible(line)}" for line in [*lines[:_MOST_LINES], *more]) + "\n      "


def _of_age(environment: str, last: Record, here: Here, policy: Policy) -> Iterator[tuple[str, str]]:
    age = here.now - last.verified
    if policy.max_age is not None and age > policy.max_age:
        yield (
            f"The promotion record of {environment} is too old: {_said(age)}, and {VARIABLE}.max_age is "
            f"{_said(policy.max_age)} ({last.told}).",
            f"Migrate a fresh copy in {environment}.",
        )
    # The clock there may be ahead of this one.
    if policy.soak and age < policy.soak:
        yield (
            f"The promotion record of {environment} is too young: {_said(age)}, and {VARIABLE}.soak is "
            f"{_said(policy.soak)} ({last.told}).",
            f"Wait until {(last.verified + policy.soak).strftime('%Y-%m-%d %H:%M UTC')}.",
        )


def _said(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min"


def _of_major(environment: str, covering: Sequence[Record], here: Here) -> Iterator[tuple[str, str]]:
    others = [record for record in covering if record.server_major != here.server_major]
    for record in others[:1]:
        yield (
            f"{environment} has proven it on PostgreSQL {record.server_major}, and this server is "
            f"{here.server_major} ({record.told}).",
            f"Migrate {environment} on a server of this major.",
        )


def _of_schema(kept: Kept, covering: Sequence[Record], here: Here) -> Iterator[tuple[str, str]]:
    first = covering[0]
    if found := list(schema.differences(first.before, here.schema, kept.environment)):
        yield (
            f"The schema is not the one that {kept.environment} had before the run {first.run_id}: {_listed(found)}.",
            "Find out which of the two is right, and make the other one like it by a migration.",
        )
    yield from _of_gaps(kept, covering)


def _of_gaps(kept: Kept, covering: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """What has changed the schema there between two of the runs, and belongs to no run that was recorded."""
    first, last = covering[0], covering[-1]
    there = (first.host, first.database)
    known = sorted((record for record in kept.records if (record.host, record.database) == there), key=_verified)
    between = [record for record in known if first.verified <= record.verified <= last.verified]
    for one, other in zip(between, between[1:]):
        if found := list(schema.differences(one.after, other.before, f"the end of the run {one.run_id}")):
            yield (
                f"Between its runs {one.run_id} and {other.run_id} the schema of {kept.environment} was changed by "
                f"other means: {_listed(found)}.",
                "Make that change a migration file, and migrate a fresh copy.",
            )


def _verified(record: Record) -> tuple[datetime, str]:
    return record.verified, record.run_id


def _listed(found: Sequence[str]) -> str:
    return first_few(found, _MOST_DIFFERENCES)
