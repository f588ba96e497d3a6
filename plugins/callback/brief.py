# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: brief
type: stdout
short_description: Ansible's default output, with the message alone of a module that fails
version_added: 0.1.0
description:
  - Prints what P(ansible.builtin.default#callback) prints, but of a failed module of this collection its message only.
    P(pgsafe.migration.phases#callback) shows what it returns for people, and the logs and reports have the rest.
  - With C(-v) and more it prints the whole result.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - C(stdout_callback = pgsafe.migration.brief)
"""

from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

# ansible-core 2.19 and later print the message of a failed task by themselves, in front of its result.
_KEPT = ("changed",) if hasattr(Default, "_handle_warnings_and_exception") else ("changed", "msg")


class CallbackModule(Default):  # type: ignore[misc]  # ansible-core ships no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "pgsafe.migration.brief"

    def _dump_results(self, result: Any, *args: Any, **kwargs: Any) -> Any:
        # The second is of a role whose variables are wrong; its message names them, and the result has the whole spec.
        ours = bool({"state_left", "validate_args_context"} & set(result)) and not self._display.verbosity
        shown = {name: result[name] for name in _KEPT if name in result} if ours else result
        return super()._dump_results(shown, *args, **kwargs)
