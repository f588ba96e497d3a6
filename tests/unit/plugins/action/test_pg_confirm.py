# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One question for a batch; everything but a typed yes is a no."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import pytest
import yaml
from ansible.errors import AnsibleActionFail, AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.shell.sh import ShellModule
from ansible.template import Templar
from ansible.utils.display import Display
from ansible_collections.pgsafe.migration.plugins.action import pg_confirm
from ansible_collections.pgsafe.migration.plugins.module_utils import prediction
from ansible_collections.pgsafe.migration.plugins.modules import pg_confirm as documentation
from ansible_collections.pgsafe.migration.plugins.plugin_utils import shield, terminals
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import as_documented, as_specified
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

DATABASES: list[dict[str, Any]] = [
    {"host": "db1", "database": "app", "backup_dir": "/b/1", "bytes": 256_901_120, "restore_seconds": 14.2},
    # as an inventory's template gives them
    {"host": "db2", "database": "shop", "backup_dir": "/b/2", "bytes": "1024", "restore_seconds": "200"},
]

PROMPT = Display.prompt_until


@pytest.fixture(autouse=True)
def somebody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in terminals.UNATTENDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(terminals, "_in_foreground", lambda _pid: True)


def _run(
    monkeypatch: pytest.MonkeyPatch, typed: Any = b"", check_mode: bool = False, **arguments: Any
) -> tuple[dict[str, Any], Any]:
    """What the action returns when this is typed (or raised), and the prompt."""
    prompt = create_autospec(PROMPT)
    if isinstance(typed, Exception):
        prompt.side_effect = typed
    else:
        prompt.return_value = typed
    monkeypatch.setattr(Display, "prompt_until", prompt)
    task = create_autospec(Task, instance=True)
    task.args, task.check_mode, task.async_val = {"databases": DATABASES, **arguments}, check_mode, 0
    connection = create_autospec(ConnectionBase, instance=True)
    connection._shell = create_autospec(ShellModule, instance=True)
    connection._shell.tmpdir = None
    loader = create_autospec(DataLoader, instance=True)
    play, templar = create_autospec(PlayContext, instance=True), create_autospec(Templar, instance=True)
    action = pg_confirm.ActionModule(task, connection, play, loader, templar)
    return action.run(), prompt


@pytest.mark.parametrize("typed", [b"yes", b"yes\n", " yes ", "yes"])
def test_a_typed_yes_confirms_every_database_that_was_shown(monkeypatch: pytest.MonkeyPatch, typed: Any) -> None:
    result, prompt = _run(monkeypatch, typed)
    assert result == {"changed": False, "confirmed": ["db1/app", "db2/shop"], "asked": True, "reason": ""}
    assert prompt.call_count == 1


@pytest.mark.parametrize("typed", [b"", b"y", b"YES", b"Yes", b"no", b"yes please", b"ye\x00s", b"true"])
def test_any_other_answer_confirms_nothing(monkeypatch: pytest.MonkeyPatch, typed: bytes) -> None:
    result, _prompt = _run(monkeypatch, typed)
    assert (result["confirmed"], result["asked"], result["reason"]) == ([], True, "The answer was not yes.")


@pytest.mark.parametrize(
    ("raised", "asked", "reason"),
    [
        (AnsiblePromptNoninteractive("stdin is not interactive"), False, "There is no terminal to ask on."),
        (AnsiblePromptInterrupt("user interrupt"), True, "The question was interrupted."),
    ],
)
def test_where_nobody_can_answer_nothing_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, asked: bool, reason: str
) -> None:
    result, _prompt = _run(monkeypatch, raised)
    assert (result["confirmed"], result["asked"], result["reason"]) == ([], asked, reason)


def test_what_was_typed_when_the_time_was_over_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _prompt = _run(monkeypatch, b"yes", timeout=0)
    assert result["confirmed"] == []
    assert "No answer" in result["reason"]


def test_the_time_to_answer_is_the_option_s(monkeypatch: pytest.MonkeyPatch) -> None:
    _result, prompt = _run(monkeypatch, b"yes", timeout="33")
    assert prompt.call_args.kwargs["seconds"] == 33


@pytest.mark.parametrize("variable", terminals.UNATTENDED)
def test_an_unattended_job_is_never_asked(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    result, prompt = _run(monkeypatch, b"yes")
    assert (result["confirmed"], result["asked"], prompt.call_count) == ([], False, 0)


def test_check_mode_and_an_empty_batch_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for result, prompt in (_run(monkeypatch, b"yes", check_mode=True), _run(monkeypatch, b"yes", databases=[])):
        assert (result["confirmed"], result["asked"], prompt.call_count) == ([], False, 0)


def test_a_database_that_is_only_half_described_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleActionFail, match="backup_dir"):
        _run(monkeypatch, b"yes", databases=[{"host": "db1", "database": "app", "bytes": 1, "restore_seconds": 1}])


def test_the_question_shows_host_database_location_size_and_duration() -> None:
    text = pg_confirm.question(DATABASES)
    for part in ("db1: app\n", "Location: /b/1\n", "Size: 245M", "14.2 s", "db2: shop\n", "1.0K", "3 min 20 s"):
        assert part in text
    assert text.endswith("(yes/NO): ")


def test_the_question_names_what_a_rollback_would_not_give_back() -> None:
    lost = ["materialized view public.m: 1 rows instead of 0 rows", "x\ny"]
    text = pg_confirm.question([{**DATABASES[0], "not_given_back": lost}])
    assert "\n    Not given back by a rollback: materialized view public.m: 1 rows instead of 0 rows\n" in text
    assert "x\ny" not in text


def test_the_question_says_where_the_writes_are_that_the_backup_does_not_have() -> None:
    text = pg_confirm.question([{**DATABASES[0], "fence": "closed+copied", "not_given_back": ["an OID"]}])
    assert "expected rollback: under a second, to a copy of the files" in text
    assert "what they write after the backup is in that copy, and not in the backup" in text
    assert "an OID" not in text


def test_the_question_says_that_clients_write_until_the_copy_is_proven_equal() -> None:
    text = pg_confirm.question([{**DATABASES[0], "fence": "followed+closed", "not_given_back": ["an OID"]}])
    assert "Clients can write until the database becomes read-only" in text
    assert "what they write after the backup is in that copy, and not in the backup" in text
    assert "Not given back by a rollback: an OID" in text


def test_the_question_names_the_copies_of_the_backup() -> None:
    text = pg_confirm.question([{**DATABASES[0], "copied_to": ["/mnt/nfs/app/migration_1", "/mnt/x\ny"]}])
    assert "    Copy: /mnt/nfs/app/migration_1\n" in text
    assert "x\ny" not in text


def test_the_question_names_the_files_that_are_to_be_applied() -> None:
    files = [f"{number:03}.sql" for number in range(4, 11)]
    text = pg_confirm.question([{**DATABASES[0], "files": files, "baseline": ["001.sql", "002.sql"]}])
    assert "    To be applied: 004.sql, 005.sql, 006.sql, 007.sql, 008.sql and 2 more\n" in text
    assert "    Baseline, recorded and not run: 001.sql, 002.sql\n" in text


def test_the_question_of_a_rollback_says_what_it_undoes() -> None:
    undone = {**DATABASES[0], "restore_seconds": -1, "undoes": ["Undoes the run 20261116_143022 (migrated)"]}
    text = pg_confirm.question([undone])
    for part in ("ROLLBACK", "db1: app\n    Undoes the run 20261116_143022 (migrated)\n", "rollback: unknown"):
        assert part in text
    assert text.endswith("proceed? (yes/NO): ")


def test_a_signal_while_the_question_stood_is_no_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = iter(["", "SIGINT"])
    monkeypatch.setattr(shield, "asked", lambda: next(heard))
    result, _prompt = _run(monkeypatch, b"yes")
    assert (result["confirmed"], result["reason"]) == ([], "The run was interrupted.")


def test_the_question_is_asked_once_for_the_batch() -> None:
    assert pg_confirm.ActionModule.BYPASS_HOST_LOOP


def test_the_options_are_those_of_the_documentation() -> None:
    documented = yaml.safe_load(documentation.DOCUMENTATION)["options"]
    assert {name: as_specified(option) for name, option in documented.items()} == {
        name: as_documented(option) for name, option in pg_confirm._OPTION.items()
    }


def test_the_question_about_kept_databases_names_each_of_them() -> None:
    dropped = {**DATABASES[0], "drops": ["app__failed_20261116_143022, kept for 8 days", "evil\x1b[2J"]}
    text = pg_confirm.question([dropped])
    assert "db1: kept beside app" in text
    assert "DROP app__failed_20261116_143022, kept for 8 days" in text
    assert "Drop these databases and proceed? (yes/NO): " in text
    assert "\x1b" not in text


def test_the_question_says_how_long_clients_wait_behind_each_fence_that_is_possible() -> None:
    told = {"fence": "read_only+closed", "predictions": prediction.as_facts(FACTS.predictions)}
    shown = pg_confirm.question([{**DATABASES[0], **told}])
    assert (
        "\n    Predicted for read_only+closed, plus the migration: 1 min 30 s to 2 min 15 s without writes, about "
        "0.5 s without service (the last backup)\n    Instead, for closed+copied: about"
    ) in shown
    assert "followed+closed" not in shown
