# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of a module that fails the message alone is printed, unless more was asked for."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from ansible_collections.pgsafe.migration.plugins.callback import brief

DEFAULT = "ansible.plugins.callback.default.CallbackModule"

OURS = {"changed": False, "state_left": "Nothing was changed.", "console": ["a line"]}
# What Ansible returns when a variable of a role is wrong.
OF_A_ROLE = {"changed": False, "argument_errors": ["wrong"], "argument_spec_data": {}, "validate_args_context": {}}
OTHER = {"changed": False, "rc": 1}


@pytest.mark.parametrize(
    ("result", "verbosity", "whole"),
    [(OURS, 0, False), (OF_A_ROLE, 0, False), (OTHER, 0, True), (OURS, 1, True), (OF_A_ROLE, 1, True)],
)
def test_the_message_alone_is_printed_unless_more_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], verbosity: int, whole: bool
) -> None:
    monkeypatch.setattr(f"{DEFAULT}._dump_results", lambda _self, shown, *_rest: shown)
    callback = brief.CallbackModule()
    callback._display = Mock(verbosity=verbosity)
    assert callback._dump_results(result) == (result if whole else {"changed": False})
