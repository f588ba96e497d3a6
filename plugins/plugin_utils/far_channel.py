# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's end of a guard's channel: renew the lease, look how the job gets on, have it broken off."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..module_utils.guard import channel as channels

# Between the files of an answer: with become, everything comes over a terminal, mixed with the output of sudo.
_MARK = "@@pgsafe@@"
_FILES = (channels.STATE, channels.PROGRESS, channels.RESULT)


@dataclass(frozen=True)
class Look:
    """What one poll has found."""

    state: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None

    @property
    def pulse(self) -> tuple[Any, Any]:
        """What moves while the guard or its worker is alive."""
        return self.state.get("beat"), self.progress.get("looks")


class FarChannel:
    """The directory of one job, which lies on the target.

    :param execute: runs a shell command there, and returns a dictionary with its ``stdout``; where the host cannot be
        reached, it raises AnsibleConnectionFailure, and so does whatever calls it here.
    """

    def __init__(self, execute: Callable[[str], Mapping[str, Any]], directory: str) -> None:
        self._execute = execute
        self._place = shlex.quote(directory)

    def poll(self) -> Look | None:
        """Renew the lease and look; None when the answer cannot be used."""
        files = "; ".join(f"cat {self._place}/{name} 2>/dev/null; printf '{_MARK}'" for name in _FILES)
        found = self._execute(f"cd / && touch -c {self._place}/{channels.LEASE}; printf '{_MARK}'; {files}")
        return parsed(found.get("stdout", ""))

    def tell(self, reason: str) -> None:
        """Have the guard abort the job, unless it is over or was aborted before."""
        place = self._place
        abort = f"{place}/{channels.ABORT}"
        told = f"printf %s {shlex.quote(reason)} > {abort}.new && mv {abort}.new {abort}"
        late = f"[ -e {abort} ] || [ -e {place}/{channels.RESULT} ]"
        self._execute(f"cd / && umask 077 && {late} || {{ {told}; }}")


def parsed(said: str) -> Look | None:
    """The answer of a poll, without the output around it."""
    parts = said.replace("\r", "").split(_MARK)
    if len(parts) != len(_FILES) + 2:
        return None
    state, progress, result = (json.loads(part) if part.strip() else None for part in parts[1:-1])
    return Look(state or {}, progress or {}, result)
