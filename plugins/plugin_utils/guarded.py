# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's side of a guard: renew its lease, show how it gets on, tell it to end, take what it has come to."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.plugin_utils import run_logs, shield
from ansible_collections.pgsafe.migration.plugins.plugin_utils.console_lines import Lines
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import Trap, trapped

# Between the files of an answer: with become, everything comes over a terminal, with whatever sudo says.
_MARK = "@@pgsafe@@"
_FILES = ("state.json", "progress.json", "result.json")

_FIRST_REST_SECONDS = 0.1

# How long nothing may move before the guard and its worker are taken for dead, and a host that cannot be reached is
# given up beyond the time of its lease.
_PATIENCE_SECONDS = 30.0

# Of what nobody reads any more only so much may be returned: Ansible would wait for ever to hand over more.
_TINY = ("failed", "changed", "msg", "verdict")

_OURS = ("guard", "run_logs", "worth_repeating")


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


class GuardedAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """An action whose module starts a guard, and whose result is the guard's."""

    def _guarded(
        self, arguments: dict[str, Any], task_vars: dict[str, Any], begun: bool = False
    ) -> dict[str, Any]:
        """
        :param begun: what the module is to stay with was begun before, so that an interruption is told to the guard.
        """
        with trapped() as trap, shield.guarded():
            if trap.reason and not begun:
                return _interrupted(trap.reason)
            started: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
            guard = started.get("guard")
            if started.get("failed") or not guard:
                return started
            batch = task_vars.get("ansible_play_batch") or []
            host, shown = str(task_vars.get("inventory_hostname", "")), bool(guard.get("progress", True))
            lines = Lines(self._display, host, len(batch), shown)
            result = _Watch(self, guard, trap, lines).result()
            self._keep_logs(host, result, task_vars)
            return _told(result) if trap.orphaned else {**_told(started), **_told(result)}

    def _keep_logs(self, host: str, result: Mapping[str, Any], task_vars: dict[str, Any]) -> None:
        """Here and not by the callback: this worker outlives its controller, and a result is shown in full."""
        chosen = self._templar.template(task_vars.get("pg_migrate_controller_dir") or run_logs.DIRECTORY)
        # A log that cannot be kept is told by the callback, which keeps what was shown in it.
        with suppress(FileFailed):
            run_logs.HostLog(str(chosen), host).take({"run_logs": result.get("run_logs")})

    def poll(self, directory: str) -> Look | None:
        """Renew the lease and look; None when the answer cannot be used.

        :raises AnsibleConnectionFailure: the host could not be reached.
        """
        place = shlex.quote(directory)
        files = "; ".join(f"cat {place}/{name} 2>/dev/null; printf '{_MARK}'" for name in _FILES)
        found = self._low_level_execute_command(f"cd / && touch -c {place}/lease; printf '{_MARK}'; {files}")
        return parsed(found.get("stdout", ""))

    def tell(self, directory: str, reason: str) -> None:
        """Have the guard break the job off.

        :raises AnsibleConnectionFailure: the host could not be reached.
        """
        place = shlex.quote(directory)
        text = f"printf %s {shlex.quote(reason)} > {place}/abort.new && mv {place}/abort.new {place}/abort"
        self._low_level_execute_command(f"cd / && umask 077 && [ -e {place}/abort ] || {{ {text}; }}")


class _Watch:
    """Waits for the end of one job."""

    def __init__(self, action: GuardedAction, guard: Mapping[str, Any], trap: Trap, lines: Lines) -> None:
        self._action = action
        self._directory = str(guard["directory"])
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
            if look and look.result is not None and (look.state.get("state") == "ended" or self._still()):
                self._lines.done()
                return self._fitting(look.result)
            lost = self._lost()
            if lost:
                self._lines.done()
                return self._fitting(lost)
            self._pause()

    def _look(self) -> Look | None:
        try:
            self._tell()
            look = self._action.poll(self._directory)
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
            self._action.tell(self._directory, self._trap.reason)
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
        elif now - self._moved > _PATIENCE_SECONDS:
            what = "The guard on the target and its worker are gone."
        else:
            return {}
        state = f"The guard rolls the run {self._run_id} back by itself when its lease lapses."
        # Without what_failed, by which rescue knows that nothing is left to be done.
        return {"failed": True, "changed": True, "msg": f"{what} {state}"}

    def _pause(self) -> None:
        """Until the next poll, or until there is something to tell; short jobs are looked at more often."""
        self._rest = min(self._interval, self._rest * 1.25)
        until = time.monotonic() + self._rest
        while time.monotonic() < until and not (self._trap.reason and not self._told):
            time.sleep(0.05)

    def _fitting(self, result: dict[str, Any]) -> dict[str, Any]:
        kept = (*_TINY, *_OURS)
        return {name: result[name] for name in kept if name in result} if self._trap.orphaned else result


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is between the guard and us."""
    return {name: value for name, value in result.items() if name not in _OURS}


def _interrupted(reason: str) -> dict[str, Any]:
    what = f"Not begun. {reason}"
    return {"failed": True, "changed": False, "what_failed": what, "msg": f"{what} Nothing was changed."}


def parsed(said: str) -> Look | None:
    """The answer of a poll, whatever else came with it."""
    parts = said.replace("\r", "").split(_MARK)
    if len(parts) != len(_FILES) + 2:
        return None
    state, progress, result = (json.loads(part) if part.strip() else None for part in parts[1:-1])
    return Look(state or {}, progress or {}, result)
