# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module as its tests see it: its documentation, its options, and a run without Ansible around it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import module as port

COLLECTION = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """fail_json was called."""


class Exited(Exception):
    """exit_json was called."""


def fake_module(params: dict[str, Any], check_mode: bool = False) -> Mock:
    """AnsibleModule with what a module may touch of it, and nothing else."""
    fake = Mock(spec_set=["params", "check_mode", "fail_json", "exit_json", "no_log_values"])
    fake.params, fake.check_mode, fake.no_log_values = params, check_mode, set()
    fake.fail_json.side_effect, fake.exit_json.side_effect = Failed, Exited
    return fake


def code(module: ModuleType) -> ModuleType:
    """The file that has the options of a module and what it does: of a guarded one, not the module itself."""
    return sys.modules[module.main.__module__]


def parameters(module: ModuleType, **given: Any) -> dict[str, Any]:
    """The options of a task as AnsibleModule would hand them over."""
    found = ArgumentSpecValidator(code(module).SPEC).validate(given)
    assert not found.error_messages
    return dict(found.validated_parameters)


@dataclass
class Ran:
    """What a module did when it was run whole."""

    fake: Mock
    result: dict[str, Any] = field(default_factory=dict)
    failed: bool = False


Run = Callable[..., Ran]


def runner(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a module's main() with options; what it returned, and whether it failed."""

    def run(check_mode: bool = False, **given: Any) -> Ran:
        fake = fake_module(parameters(module, **given), check_mode)
        monkeypatch.setattr(port, "NamedModule", lambda **_options: fake)
        with pytest.raises((Failed, Exited)):
            module.main()
        assert fake.fail_json.call_count + fake.exit_json.call_count == 1
        call = fake.fail_json.call_args or fake.exit_json.call_args
        return Ran(fake, dict(call.kwargs), fake.fail_json.called)

    return run


def unreachable(directory: Path) -> dict[str, Any]:
    """A connection to where no server listens."""
    return {"login_db": "app", "login_unix_socket": str(directory), "login_port": 1}


def documented_options(module: ModuleType) -> dict[str, Any]:
    """The options of a module's documentation, with those of its fragments; what the module says has precedence."""
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options: dict[str, Any] = {}
    for name in documentation.get("extends_documentation_fragment", ()):
        fragment = name.split(".")[2]
        text = (COLLECTION / "plugins" / "doc_fragments" / f"{fragment}.py").read_text(encoding="utf-8")
        if fragment != "attributes":
            options.update(yaml.safe_load(text.split('r"""')[1].split('"""')[0])["options"])
    own = documentation.get("options", {})
    return {**options, **{name: {**options.get(name, {}), **said} for name, said in own.items()}}


def as_specified(option: dict[str, Any]) -> dict[str, Any]:
    """What of a documented option an argument spec says too."""
    kept: dict[str, Any] = {
        name: option[name] for name in ("default", "choices", "aliases", "elements", "required") if name in option
    }
    kept["type"] = option.get("type", "str")
    if option.get("required") is False:
        del kept["required"]
    if "suboptions" in option:
        kept["options"] = {name: as_specified(inner) for name, inner in option["suboptions"].items()}
    return kept


def as_documented(option: dict[str, Any]) -> dict[str, Any]:
    """An option of an argument spec without what its documentation does not say."""
    unsaid = {"no_log", "mutually_exclusive", "required_one_of", "required_together", "required_by"}
    kept = {name: value for name, value in option.items() if name not in unsaid}
    kept.setdefault("type", "str")
    if "options" in kept:
        kept["options"] = {name: as_documented(inner) for name, inner in kept["options"].items()}
    return kept
