# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How every module begins and ends."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import BACKUP_ROOT, CONNECTION
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import module as port
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import Exited, Failed, fake_module

SPEC: dict[str, dict[str, Any]] = {
    **CONNECTION,
    "environment": {"type": "dict", "default": {}, "no_log": True},
}
PARAMS = {
    **{name: option.get("default") for name, option in SPEC.items()},
    "login_password": "s3cret",
    "environment": {"MODE": "a"},
}


@pytest.fixture
def module() -> Mock:
    """A task in check mode, with what AnsibleModule takes for a secret."""
    fake = fake_module(PARAMS, check_mode=True)
    fake.no_log_values = {"s3cret", "a"}
    return fake


@pytest.fixture
def constructor(module: Mock, monkeypatch: pytest.MonkeyPatch) -> Mock:
    constructor = Mock(return_value=module)
    monkeypatch.setattr(port, "NamedModule", constructor)
    return constructor


def _run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    return {"changed": check_mode, "maintenance_db": params["maintenance_db"]}


def _refuse(_params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    raise Refused("No backup.")


@pytest.mark.usefixtures("constructor")
def test_a_module_returns_the_result_of_its_run(module: Mock) -> None:
    with pytest.raises(Exited):
        port.serve(SPEC, _run)
    result = module.exit_json.call_args.kwargs
    assert (result["changed"], result["maintenance_db"]) == (True, "postgres")


@pytest.mark.usefixtures("constructor")
def test_an_error_fails_the_module_with_what_it_says_of_failures(module: Mock) -> None:
    def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
        return {"what_failed": error.what, "database": params["maintenance_db"]}

    with pytest.raises(Failed):
        port.serve(SPEC, _refuse, failure)
    result = module.fail_json.call_args.kwargs
    assert (result["what_failed"], result["database"]) == ("No backup.", "postgres")
    assert result["msg"].startswith("No backup.")


@pytest.mark.parametrize(("run", "end"), [(_run, Exited), (_refuse, Failed)])
@pytest.mark.usefixtures("constructor")
def test_the_invocation_shows_names_of_secret_variables_and_no_secret(module: Mock, run: Any, end: Any) -> None:
    with pytest.raises(end):
        port.serve(SPEC, run)
    result = (module.exit_json.call_args or module.fail_json.call_args).kwargs
    shown = result["invocation"]["module_args"]
    assert (shown["login_password"], shown["environment"]) == ("VALUE_NOT_SHOWN", {"MODE": "VALUE_NOT_SHOWN"})
    assert shown["maintenance_db"] == "postgres"
    # "a" is cut out of nothing else of the result
    assert module.no_log_values == {"s3cret"}


def test_a_url_excludes_the_parts_of_a_connection_beside_the_module_s_own_rules(constructor: Mock) -> None:
    with pytest.raises(Exited):
        port.serve(SPEC, _run, mutually_exclusive=[["login_db", "environment"]])
    rules = constructor.call_args.kwargs["mutually_exclusive"]
    assert ["login_url", "login_host"] in rules
    assert rules[-1] == ["login_db", "environment"]


def test_a_module_without_a_connection_needs_no_psycopg2(constructor: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "_missing", lambda: "ImportError: no psycopg2")
    constructor.return_value.params = {"backup_root": "/nowhere"}
    with pytest.raises(Exited):
        port.serve(BACKUP_ROOT, lambda _params, _check_mode: {"changed": False})
    assert constructor.call_args.kwargs["mutually_exclusive"] == []


def test_a_module_that_does_without_a_server_is_asked_by_its_parameters(
    module: Mock, constructor: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "_missing", lambda: "ImportError: no psycopg2")
    asked = constructor.return_value.params
    with pytest.raises(Failed):
        port.serve(SPEC, _run, serverless=lambda params: params is not asked)
    assert "psycopg2" in module.fail_json.call_args.kwargs["msg"]
    with pytest.raises(Exited):
        port.serve(SPEC, _run, serverless=lambda params: params is asked)
