# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions whose work a guard does on the target, with which they stay."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..module_utils.arguments import ACTS_AS
from ..module_utils.codec import encoded
from ..module_utils.errors import FileFailed
from ..module_utils.journal.verdicts import Verdict
from ..module_utils.promotion import policy
from . import lease_renewer, promotions, run_logs, shield
from .action import Action
from .console_lines import Lines
from .far_channel import FarChannel
from .lease_renewer import LeaseRenewal
from .trap import Trap, trapped
from .watch import OURS, Watch

# What all of these actions run on the target, so that Ansible packs their code once a playbook.
SHARED_MODULE = "pgsafe.migration.pg_guarded"


class GuardedAction(Action):
    """An action whose module starts a guard, and whose result is the guard's."""

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return self._guarded(arguments, task_vars)

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        asked = {**arguments, ACTS_AS: self._task.action.rpartition(".")[2]}
        found: dict[str, Any] = self._execute_module(SHARED_MODULE, module_args=asked, task_vars=task_vars)
        return found

    def _guarded(self, arguments: dict[str, Any], task_vars: dict[str, Any], begun: bool = False) -> dict[str, Any]:
        """
        :param begun: what the module is to stay with was begun before, so that the guard hears of an interruption.
        """
        with trapped() as trap, shield.guarded():
            if trap.reason and not begun:
                return _interrupted(trap.reason)
            started = self._module(arguments, task_vars)
            guard = started.get("guard")
            if started.get("failed") or not guard:
                return started
            batch = task_vars.get("ansible_play_batch") or []
            host, shown = str(task_vars.get("inventory_hostname", "")), bool(guard.get("progress", True))
            lines = Lines(self._display, host, len(batch), shown)
            result = Watch(self._channel(guard), guard, trap, lines).result()
            self._keep_logs(host, result, task_vars)
            return _told(result) if trap.orphaned else {**_told(started), **_told(result)}

    def _permit(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, str]:
        """What the promotion records allow, as they are now and not as they were when the run began.

        :raises BadRequest: they cannot be found.
        """
        asked = policy.read(arguments.get("promotion"))
        if not asked.required or self._task.check_mode:
            return {}
        bases = promotions.bases(task_vars, self._loader.get_basedir())
        return {"permit": encoded(promotions.permit(asked, bases, str(arguments.get("set_name", "default"))))}

    def _begun(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Begin what goes on after the task, while another process renews the lease, if the module asks for one."""
        with trapped() as trap, shield.guarded(), lease_renewer.ready(self._renew) as renewed:
            if trap.reason:
                return _interrupted(trap.reason)
            started = self._module(arguments, task_vars)
            if started.get("guard"):
                renewed(started["guard"])
            return _told(started)

    def _renew(self, guard: Mapping[str, Any], trap: Trap) -> None:
        # Display lines would go through a queue that belongs to the worker.
        self._display.verbosity = 0
        LeaseRenewal(self._channel(guard), float(guard["lease"]), trap, bool(guard["tasks_only"])).run()

    def _channel(self, guard: Mapping[str, Any]) -> FarChannel:
        return FarChannel(self._low_level_execute_command, str(guard["directory"]))

    def _keep_logs(self, host: str, result: Mapping[str, Any], task_vars: dict[str, Any]) -> None:
        """Here and not by the callback: this worker outlives its controller, and a result is shown in full."""
        chosen = self._templar.template(task_vars.get("pg_migrate_controller_dir") or run_logs.DIRECTORY)
        # The callback reports a log that cannot be written, and keeps what was shown in it.
        with suppress(FileFailed):
            run_logs.HostLog(str(chosen), host).take({"run_logs": result.get("run_logs")})


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is between the guard and us."""
    return {name: value for name, value in result.items() if name not in OURS}


def _interrupted(reason: str) -> dict[str, Any]:
    what = f"Not begun. {reason}"
    msg = f"{what} Nothing was changed."
    return {"failed": True, "changed": False, "verdict": Verdict.REFUSED.value, "what_failed": what, "msg": msg}
