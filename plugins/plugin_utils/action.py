# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an action plugin begins and ends: the only file that merges its result with Ansible's."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors import PgsafeError
from ..module_utils.journal.verdicts import Verdict


class Action(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """An action of the collection: what it does is in ``perform``."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        result: dict[str, Any] = super().run(tmp, known)
        try:
            return {**result, **self.perform(dict(self._task.args), known)}
        except PgsafeError as error:
            refused = {"failed": True, "changed": False, "verdict": Verdict.REFUSED.value}
            return {**result, **refused, "msg": str(error), **error.facts()}

    @abstractmethod
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The result of the task.

        :raises PgsafeError: the task is refused, before anything was begun.
        """
