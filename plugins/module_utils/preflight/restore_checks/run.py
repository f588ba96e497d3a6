# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would prevent a restore: every problem at once, before anything is changed."""

from __future__ import annotations

from ...errors import Problem, Refused
from ...model import Target
from ...ports.database import session
from ..checks import run
from .check import Facts, Intent
from .gather import gather
from .registry import CHECKS


def look(target: Target, intent: Intent) -> Facts:
    """
    :raises ConnectionFailed: the maintenance database cannot be reached.
    """
    with session(target.maintenance, purpose="restore checks") as reader:
        return gather(reader, intent)


def problems(facts: Facts) -> tuple[Problem, ...]:
    """What every check finds, in the order of the registry; errors that were waived are warnings."""
    return run.problems(CHECKS, facts, facts.intent.waived)


def require_none(found: tuple[Problem, ...]) -> None:
    """
    :raises Refused: there are errors among them; the message has all of them, each with its remedy.
    """
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        told = " ".join(f"{problem.check}: {problem.what}" for problem in errors)
        raise Refused(
            f"{_counted(len(errors))} the restore. {told}",
            remedy=" ".join(f"{problem.check}: {problem.remedy}" for problem in errors if problem.remedy),
        )


def _counted(problems: int) -> str:
    return "A problem prevents" if problems == 1 else f"{problems} problems prevent"
