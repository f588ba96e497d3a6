# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the records allow to be applied, as the controller sends it; held on the target right before the migration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..codec import decoded
from ..errors import Refused
from .record import Step


@dataclass(frozen=True)
class Proven:
    """A step that was applied and verified in a required environment.

    :param told: the record, for people.
    """

    environment: str
    step: Step
    told: str


@dataclass(frozen=True)
class Permit:
    """:param required: environments that every step must have passed.
    :param override: why a person goes on without; empty for no.
    """

    required: tuple[str, ...] = ()
    proven: tuple[Proven, ...] = ()
    override: str = ""

    def require(self, steps: Iterable[Step]) -> None:
        """
        :raises Refused: a step is not the one that passed there; the message names it.
        """
        unproven = [f"{step.name} (not in {place})" for step in steps for place in self._lacking(step)]
        if unproven and not self.override:
            raise Refused(
                f"Not the files that were proven before: {', '.join(unproven)}.",
                remedy="They were changed after the promotion was checked, or the check was left out. Run again.",
            )

    def told(self, steps: Iterable[Step]) -> str:
        """The records that the steps rest on, and the reason of an override; empty when nothing is required."""
        found = [proven.told for step in steps for proven in self.proven if proven.step.is_same(step)]
        override = [f"overridden: {self.override}"] if self.override and self.required else []
        return "; ".join(dict.fromkeys([*found, *override]))

    def _lacking(self, step: Step) -> list[str]:
        there = {proven.environment for proven in self.proven if proven.step.is_same(step)}
        return [environment for environment in self.required if environment not in there]


def read(text: str) -> Permit:
    """What the controller has sent, by :func:`codec.encoded`; one that requires nothing for an empty text."""
    found: Permit = decoded(text, (Permit, Proven, Step)) if text else Permit()
    return found
