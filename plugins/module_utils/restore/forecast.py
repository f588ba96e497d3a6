# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore would do and cost, by reading alone: for ``--check``, and for the person who decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..backup_set.manifest import Manifest, digest_of
from ..errors import Problem
from ..journal import journal
from ..journal.events import Event
from ..model import Target
from ..preflight.restore_checks import run
from ..preflight.restore_checks.check import Facts, Intent


@dataclass(frozen=True)
class Forecast:
    """:param seconds: that the restore will take: as long as the proof of this very backup did; None without one."""

    facts: Facts
    problems: tuple[Problem, ...]
    seconds: float | None

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")


def foresee(target: Target, intent: Intent, backup_dir: Path) -> Forecast:
    """
    :raises ConnectionFailed: the maintenance database cannot be reached.
    """
    facts = run.look(target, intent)
    return Forecast(facts, run.problems(facts), _seconds_of_proof(backup_dir, intent.manifest))


def _seconds_of_proof(backup_dir: Path, manifest: Manifest) -> float | None:
    run_journal = journal.of_run(backup_dir.parent.parent, manifest.run_id)
    proof = run_journal.last(Event.VERIFIED) if run_journal else None
    if proof is None or proof.facts.get("manifest_sha256") != digest_of(backup_dir):
        return None
    seconds = proof.facts.get("seconds", {}).get("restore")
    return None if seconds is None else float(seconds)
