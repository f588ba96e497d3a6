# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stay with a guard: renew its lease, show how it gets on, tell it to end, take what it has come to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ..module_utils.guard import channel as channels
from .console_lines import Lines
from .far_channel import FarChannel, Look
from .trap import Trap

# Of a result, what is between the guard and us.
OURS = ("guard", "run_logs", "worth_repeating")

# A result that is not read may have only these: Ansible would wait forever to hand over more.
_TINY = ("failed", "changed", "msg", "verdict")

_FIRST_REST_SECONDS = 0.2

# How long a host that cannot be reached is waited for beyond the time of its lease.
_PATIENCE_SECONDS = 30.0


class Watch:
    """Waits for the end of one job.

    :param guard: what the module says of it that has started it.
    """

    def __init__(self, channel: FarChannel, guard: Mapping[str, Any], trap: Trap, lines: Lines) -> None:
        self._channel = channel
        self._run_id = str(guard["run_id"])
        self._interval = float(guard["poll_interval"])
        self._lease = float(guard["lease"])
        self._trap = trap
        self._lines = lines
        self._told = False
        self._rest = _FIRST_REST_SECONDS
        self._moved = self._reached = time.monotonic()
        self._pulse: tuple[Any, Any] = (None, None)

    def result(self) -> dict[str, Any]:
        """What the job has come to, or what is known of it when nothing can be heard of it any more."""
        while True:
            look = self._look()
            if look and look.result is not None and (look.state.get("state") == channels.ENDED or self._still()):
                self._lines.done()
                return self._fitting(look.result)
            lost = self._lost()
            if lost:
                self._lines.done()
                return self._fitting(lost)
            self._pause()

    def _look(self) -> Look | None:
        if self._trap.suspended:
            return None
        try:
            self._tell()
            look = self._channel.poll()
        except AnsibleConnectionFailure as error:
            self._show(f"The host cannot be reached; trying again: {error}")
            return None
        if look is None:
            return None
        self._reached = time.monotonic()
        if look.pulse != self._pulse:
            self._pulse, self._moved = look.pulse, time.monotonic()
        if not self._trap.orphaned:
            self._lines.show(look.state, look.progress)
        return look

    def _tell(self) -> None:
        if self._trap.reason and not self._told:
            self._show(self._trap.reason)
            self._channel.tell(self._trap.reason)
            self._told = True

    def _show(self, text: str) -> None:
        if not self._trap.orphaned:
            self._lines.say(text)

    def _still(self) -> bool:
        return time.monotonic() - self._moved > 3 * self._interval + 3

    def _lost(self) -> dict[str, Any]:
        """Why there is nothing to wait for any more; empty while there is."""
        now = time.monotonic()
        if now - self._reached > self._lease + _PATIENCE_SECONDS:
            what = f"The host could not be reached for {now - self._reached:.0f} s."
            state = f"The guard rolls the run {self._run_id} back by itself when its lease lapses."
        elif now - self._moved > channels.SILENT_SECONDS:
            what = channels.GONE
            state = (
                f"Unless this play finishes the run {self._run_id} itself, the next run or the playbook "
                "pgsafe.migration.recover does."
            )
        else:
            return {}
        return {"failed": True, "changed": True, "msg": f"{what} {state}"}

    def _pause(self) -> None:
        """Until the next poll, or until there is something to tell; short jobs are looked at more often."""
        self._rest = min(self._interval, self._rest * 1.3)
        until = time.monotonic() + self._rest
        while time.monotonic() < until and not (self._trap.reason and not self._told):
            time.sleep(0.05)

    def _fitting(self, result: dict[str, Any]) -> dict[str, Any]:
        kept = (*_TINY, *OURS)
        return {name: result[name] for name in kept if name in result} if self._trap.orphaned else result
