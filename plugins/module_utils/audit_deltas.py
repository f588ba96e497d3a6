# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules once more after a migration: what is wrong now and was not, or less so, in the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session

NEW, GROWN, FEWER, MENDED = HOW = ("new", "grown", "fewer", "mended")
_HARM = ("error", "warning")


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


def read(session: Session) -> tuple[Finding, ...]:
    """What the rules find after the migration; the one place where the verification asks for it."""
    return audit.findings(session)


def of(before: Mapping[str, int], found: Collection[Finding]) -> Iterator[Delta]:
    """
    :param before: the manifest's counts by key.
    """
    kept = {names.before_kept(finding.key) for finding in found} - {finding.key for finding in found}
    for finding in found:
        # A table that was renamed to be kept keeps what was wrong with it.
        was = before.get(finding.key, before.get(names.before_kept(finding.key), 0))
        if finding.count != was:
            how = NEW if was == 0 else GROWN if finding.count > was else FEWER
            yield Delta(finding.key, finding.severity, how, was, finding.count, finding.what, finding.remedy)
    for key in sorted(set(before) - {finding.key for finding in found} - kept):
        yield Delta(key, "", MENDED, before[key], 0)
