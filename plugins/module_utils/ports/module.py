# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module begins and ends: the only file of the target that imports Ansible, and that exits or fails."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule, _load_params, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

from .. import arguments, bytecode, ranges
from ..errors import PgsafeError
from .database import PSYCOPG2_ERROR

Run = Callable[[dict[str, Any], bool], dict[str, Any]]
Failure = Callable[[dict[str, Any], PgsafeError], dict[str, Any]]
Names = Sequence[Sequence[str]]

_PLATFORM = ("/usr/libexec/platform-python", "/usr/bin/python3", "/usr/bin/python")


class NamedModule(AnsibleModule):  # type: ignore[misc]  # ansible-core ships no types
    """In its messages, the module that the shared one acts as has its own name."""

    def _load_params(self) -> None:
        super()._load_params()
        name = self.params.pop(arguments.ACTS_AS, "")
        if name:
            self.params["_ansible_module_name"] = f"pgsafe.migration.{name}"


def facts_of(_params: Mapping[str, Any], error: PgsafeError) -> dict[str, Any]:
    """What most modules return beside the message of an error."""
    return error.facts()


def _never(_params: Mapping[str, Any]) -> bool:
    return False


def serve(
    spec: dict[str, dict[str, Any]],
    run: Run,
    failure: Failure = facts_of,
    mutually_exclusive: Names = (),
    required_one_of: Names = (),
    required_if: Sequence[Sequence[Any]] = (),
    serverless: Callable[[Mapping[str, Any]], bool] = _never,
) -> None:
    """Run a module to its end. Never returns.

    :param run: returns the result, given the parameters and whether this is check mode.
    :param failure: returns what a failed task returns beside its message.
    :param serverless: whether a module with a connection can do without psycopg2, given the parameters.
    """
    bytecode.imported()
    module = NamedModule(
        argument_spec=spec,
        mutually_exclusive=[*arguments.mutually_exclusive(spec), *mutually_exclusive],
        required_one_of=required_one_of,
        required_if=required_if,
        supports_check_mode=True,
    )
    if arguments.connects(spec) and (missing := _missing()) and not serverless(module.params):
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=missing)
    invocation = {"module_args": arguments.shown(spec, module.params)}
    # shown() leaves out these values; one that is short would be cut out of every path and number of the result.
    module.no_log_values.difference_update(arguments.variable_values(spec, module.params))
    try:
        module.no_log_values.update(arguments.url_secrets(module.params))
        ranges.require(ranges.problems(module.params))
        result = run(module.params, module.check_mode)
    except PgsafeError as error:
        module.fail_json(msg=str(error), **failure(module.params, error), invocation=invocation)
    module.exit_json(**result, invocation=invocation)


def serve_as(spec: dict[str, dict[str, Any]], package: str) -> None:
    """Run the module that the option :data:`arguments.ACTS_AS` names. Never returns.

    :param spec: of that option alone; a name that is none of its choices fails.
    :param package: has a file for each choice, with its ``main``.
    """
    name = (_load_params() or {}).get(arguments.ACTS_AS, "")
    if name in spec[arguments.ACTS_AS]["choices"]:
        importlib.import_module(f"{package}.{name}").main()
    AnsibleModule(argument_spec=spec, supports_check_mode=True)


def _missing() -> str | None:
    """The traceback of psycopg2's import, else None. Does not return when another Python of the platform has it."""
    if PSYCOPG2_ERROR and not has_respawned():
        other = probe_interpreters_for_module(_PLATFORM, "psycopg2")
        if other:
            respawn_module(other)
    return PSYCOPG2_ERROR
