# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules once more after a migration: what is wrong now and was not, or less so, in the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ... import names
from ...audit import run as audit
from ...audit.finding import NOT_LOOKED_AT, Finding
from ...audit.looking import Budget
from ...audit.rule import DATA
from ...ports.database import Session

NEW, GROWN, FEWER, FIXED = HOW = ("new", "grown", "fewer", "fixed")
_HARM = ("error", "warning")

# The database is closed meanwhile, so the rows are read for a shorter time than before a migration.
_BUDGET = Budget(rule=60.0, total=300.0)


@dataclass(frozen=True)
class Delta:
    """A finding that is other than in the backup.

    :param key: of the finding.
    :param severity: empty for one that is not there any more, since the backup has keys and counts alone.
    :param how: one of :data:`HOW`.
    :param before: how many rows or objects were concerned.
    """

    key: str
    severity: str
    how: str
    before: int
    after: int
    what: str = ""
    remedy: str = ""

    @property
    def harms(self) -> bool:
        return self.how in (NEW, GROWN) and self.severity in _HARM

    @property
    def problem(self) -> str:
        grown = f" Before the migration: {self.before:,}." if self.how == GROWN else ""
        return f"{self.what}{grown} {self.remedy}".rstrip()


def read(session: Session, touched: Collection[str] | None = None) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What the rules find after the migration, and the keys of what was not looked at since nothing touched it.

    The one place where the verification asks for it.

    :param touched: labels of tables; None for all.
    """
    return audit.findings_of(session, touched, _BUDGET)


def kept(before: Mapping[str, int], untouched: Sequence[str]) -> dict[str, int]:
    """What the rules have found before where nothing has touched the rows since.

    :param before: the manifest's counts by key.
    :param untouched: keys, of which a rule that counts by column gives one for the table.
    """
    keys = frozenset(untouched)
    return {key: count for key, count in before.items() if not keys.isdisjoint(_with_table(key))}


def _with_table(key: str) -> Iterator[str]:
    """A key, and what may be that of a table where it is that of a column."""
    yield key
    yield from (key[:place] for place, sign in enumerate(key) if sign == ".")


def of(before: Mapping[str, int], found: Collection[Finding]) -> Iterator[Delta]:
    """What differs, as far as both were looked at: of the user's own rules only the audit before knows.

    :param before: the manifest's counts by key, without what was not looked at again.
    """
    seen = {finding.key for finding in found}
    old = {names.before_kept(key) for key in seen} - seen
    for finding in found:
        # A table that was renamed to be kept keeps what was wrong with it.
        was = before.get(finding.key, before.get(names.before_kept(finding.key), 0))
        if finding.count != was and not _unknown(before, finding):
            how = NEW if was == 0 else GROWN if finding.count > was else FEWER
            yield Delta(finding.key, finding.severity, how, was, finding.count, finding.what, finding.remedy)
    unseen = {finding.subject for finding in found if finding.rule == NOT_LOOKED_AT}
    for key in sorted(set(before) - seen - old - unseen):
        if key.partition(" ")[0] in audit.NAMES:
            yield Delta(key, "", FIXED, before[key], 0)


def _unknown(before: Mapping[str, int], finding: Finding) -> bool:
    """Whether it was not looked at: not after the migration, or not before it."""
    subjects = (finding.key, finding.rule, DATA) if finding.rule in audit.DATA_NAMES else (finding.key,)
    return finding.rule == NOT_LOOKED_AT or any(f"{NOT_LOOKED_AT} {subject}" in before for subject in subjects)
