# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scripted run renders the lines that a person is to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from ansible import constants
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import TaskResult
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.utils.context_objects import CLIArgs
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager
from ansible_collections.pgsafe.migration.plugins.callback.phases import CallbackModule
from ansible_collections.pgsafe.migration.plugins.plugin_utils import shield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the play was begun."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Script:
    """The events of one playbook, and what was displayed."""

    def __init__(self, *hosts: str) -> None:
        self.callback = CallbackModule()
        self.display = create_autospec(Display, instance=True)
        self.callback._display = self.display
        self._stats = create_autospec(AggregateStats, instance=True)
        self._stats.processed, self._stats.failures, self._stats.dark = {}, {}, {}
        self._play(hosts)

    def _play(self, hosts: tuple[str, ...]) -> None:
        play = create_autospec(Play, instance=True)
        play.hosts = "all"
        self.manager = manager = create_autospec(VariableManager, instance=True)
        manager._inventory = create_autospec(InventoryManager, instance=True)
        manager._inventory.get_hosts.return_value = [Host(host) for host in hosts]
        manager._loader = DataLoader()
        manager.get_vars.return_value = {"pg_migrate_controller_dir": "logs"}
        play.get_variable_manager.return_value = manager
        self.callback.v2_playbook_on_play_start(play)

    def task(self, name: str, role: str = "pgsafe.migration.pg_migrate", action: str = "pg_recover") -> Script:
        self._task = task = create_autospec(Task, instance=True)
        task.action = action
        task.get_name.return_value = f"{role} : {name}" if role else name
        self.callback.v2_playbook_on_task_start(task, False)
        return self

    def _result(self, host: str, said: dict[str, Any]) -> Any:
        self._stats.processed[host] = 1
        return TaskResult(Host(host), self._task, said, {})

    def ok(self, host: str, *console: str, **said: Any) -> Script:
        self.callback.v2_runner_on_ok(self._result(host, {"console": list(console), **said}))
        return self

    def verdict(self, host: str, verdict: str) -> Script:
        return self.ok(host, ansible_facts={"pg_migrate_verdict": verdict})

    def failed(self, host: str, *console: str, **said: Any) -> Script:
        """As Ansible does, without a word on ignored errors."""
        self._stats.failures[host] = 1
        ignored: Any = None
        self.callback.v2_runner_on_failed(self._result(host, {"console": list(console), **said}), ignored)
        return self

    def unreachable(self, host: str, msg: str) -> Script:
        self.callback.v2_runner_on_unreachable(self._result(host, {"msg": msg}))
        return self

    def lines(self) -> list[str]:
        """Everything that was displayed, the end included."""
        self.callback.v2_playbook_on_stats(self._stats)
        return [call.args[0] for call in self.display.display.call_args_list]


def test_a_host_of_another_playbook_that_ended_well_is_not_refused() -> None:
    assert Script("db1").task("Rollback | Restore beside").ok("db1").lines()[-1] == "  db1  finished without a failure"


def test_the_reason_of_a_failed_rollback_is_read_last_too() -> None:
    script = Script("db1").task("Migrate | Apply").failed("db1", what_failed="SQL.", undo_problems=["No room."])
    assert script.lines()[-3:] == ["  db1  failed", "      SQL.", "      While undoing: No room."]


def test_a_host_of_which_no_module_has_said_how_it_ended_did_not_end_well() -> None:
    script = Script("db1", "db2").task("Gate | Begin").verdict("db1", "unknown").verdict("db2", "unknown")
    script.task("Backup | Take").ok("db1").unreachable("db2", "gone")
    end = script.lines()
    assert "  db1  UNKNOWN: no module said how the run ended; look at it with pgsafe.migration.status" in end
    assert "  db2  unreachable" in end
    assert {call.kwargs["color"] for call in script.display.display.call_args_list if "  db" in call.args[0]} == {"red"}


def test_a_refused_host_whose_database_stays_closed_is_never_told_as_not_changed() -> None:
    script = Script("db1").task("Fence | Remember").verdict("db1", "refused")
    script.ok("db1", ansible_facts={"pg_migrate_access": "Others may read app and not write to it."})
    assert script.lines()[-2:] == [
        "  db1  refused: the migration did not begin, and the database is not open for writing",
        "      Others may read app and not write to it.",
    ]


def test_a_good_verdict_of_a_host_that_failed_is_not_green() -> None:
    script = Script("db1").task("Migrate | Remember").verdict("db1", "migrated").failed("db1", msg="It was killed.")
    script.lines()
    colors = [call.kwargs["color"] for call in script.display.display.call_args_list if "  db1" in call.args[0]]
    assert colors == ["red"]


def test_the_second_of_two_that_were_loaded_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(CallbackModule()._display, "pgsafe_phases", raising=False)
    assert [CallbackModule().disabled, CallbackModule().disabled] == [False, True]


def test_a_good_run_shows_each_phase_once_its_ticks_and_a_verdict() -> None:
    script = Script("db1")
    script.task("Preflight | Gather").ok("db1", "[✓] Preflight: fine")
    script.task("Backup | Take").ok("db1", "[✓] Backup created: /b (1M)", "[✓] CSV exports created")
    script.task("Migrate | Apply").ok("db1", "[✓] Applied: a.sql")
    script.task("Migrate | Remember").verdict("db1", "migrated")
    assert script.lines() == [
        "",
        "Phase 1: PRE-MIGRATION",
        "[✓] Preflight: fine",
        "[✓] Backup created: /b (1M)",
        "[✓] CSV exports created",
        "",
        "Phase 3: MIGRATION",
        "[✓] Applied: a.sql",
        "",
        "VERDICTS",
        "  db1  migrated and verified",
    ]


def test_a_phase_that_was_passed_over_has_no_heading() -> None:
    script = Script("db1")
    script.task("Confirm | Ask").ok("db1").task("Migrate | Apply").ok("db1", "[✓] Applied: a.sql")
    assert "Phase 2: CONFIRMATION" not in script.lines()


def test_each_of_several_hosts_has_its_name_and_its_line() -> None:
    script = Script("db1", "database2", "db3")
    script.task("Migrate | Apply").ok("db1", "[✓] Applied").failed(
        "database2", "[ERROR] broken", what_failed="It broke."
    )
    script.task("Failure | Remember").verdict("db1", "migrated").verdict("database2", "rolled_back")
    lines = script.lines()
    assert "db1: [✓] Applied" in lines
    assert "database2: [ERROR] broken" in lines
    end = lines[lines.index("VERDICTS") :]
    assert end[1].split(maxsplit=1) == ["db1", "migrated and verified"]
    assert end[2].split(maxsplit=1) == ["database2", "rolled back: the database is as it was before"]
    assert "It broke." in "".join(end[3:-1])
    assert end[-1].split(maxsplit=1) == ["db3", "not reached: nothing was changed"]


def test_the_verdict_of_a_rollback_names_what_is_not_as_it_was_before() -> None:
    script = Script("db1").task("Migrate | Apply")
    script.failed("db1", what_failed="It broke.", verdict="rolled_back", not_given_back=["materialized view m: stale"])
    script.task("Failure | Remember").verdict("db1", "rolled_back")
    assert "  db1  rolled back: the database is as it was before, except: materialized view m: stale" in script.lines()


def test_a_failed_host_of_a_batch_that_is_rolled_back_is_shown_with_the_command_that_does_it_by_hand() -> None:
    script = Script("db1", "db2").task("Gate | Forget an earlier migration").task("Fence | Raise the fence")
    script.manager.get_vars.return_value["pg_migrate_on_batch_failure"] = "rollback_batch"
    script.task("Migrate | Apply").failed("db1", msg="It broke.").task("Finish | Abort").failed("db1", msg="Again.")
    (line,) = [line for line in script.lines() if "If the play ends before that" in line]
    assert line.endswith("pgsafe.migration.rollback -e pg_migrate_backup_dir=before_last_migration")


def test_a_host_that_stays_migrated_says_why_below_its_verdict() -> None:
    script = Script("db1").task("Batch | See").ok("db1", stays=["Not rolled back\x1b[31m", "By hand: a command"])
    lines = script.task("Report | Remember").verdict("db1", "migrated").lines()
    at = lines.index("  db1  migrated and verified")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == ["Not rolled back\\x1b[31m", "By hand: a command"]


def test_a_host_that_failed_at_the_gate_was_refused() -> None:
    script = Script("db1").task("Gate | Forget").verdict("db1", "refused")
    script.failed("db1", what_failed="The disk is full.", state_left="Nothing was changed.", remedy="Free it.")
    end = script.lines()
    assert "  db1  refused: nothing was changed" in end
    told = [line.strip() for line in end[end.index("  db1  refused: nothing was changed") + 1 :]]
    assert told[0] == "The disk is full."
    assert "Free it." in told


def test_a_host_whose_variables_are_not_those_of_the_role_was_refused() -> None:
    checking = "Validating arguments against arg spec 'main'"
    script = Script("db1").task(checking, action="ansible.builtin.validate_argument_spec")
    script.failed("db1", msg="Unsupported parameters")
    assert script.lines()[-2:] == ["  db1  refused: nothing was changed", "      Unsupported parameters"]


def test_the_first_failure_is_the_reason_and_not_the_one_that_ends_the_host() -> None:
    script = Script("db1").task("Migrate | Apply").failed("db1", what_failed="psql ended with status 3")
    text = "\n".join(script.task("Failure | Leave the host failed").failed("db1", msg="again").lines())
    assert "psql ended with status 3" in text
    assert "again" not in text


def test_a_host_that_cannot_be_reached_is_told_with_the_reason() -> None:
    lines = Script("db1").task("Preflight | Gather").unreachable("db1", "ssh: connection refused").lines()
    assert "  db1  unreachable" in lines
    assert any("ssh: connection refused" in line for line in lines)
    assert "      The run undoes itself on the host" not in "\n".join(lines)


def test_of_a_host_that_is_lost_behind_the_fence_it_is_told_who_goes_on() -> None:
    script = Script("db1").task("Fence | Close").task("Backup | Take").unreachable("db1", "ssh: broken pipe\n")
    assert script.lines()[-2:] == [
        "      ssh: broken pipe",
        "      The run undoes itself on the host, or is finished there; look at it with pgsafe.migration.status.",
    ]


def test_a_verdict_that_is_known_survives_a_host_that_is_lost_later() -> None:
    script = Script("db1").task("Migrate | Remember").verdict("db1", "migrated").unreachable("db1", "gone")
    assert "  db1  migrated and verified" in script.lines()


def test_only_good_verdicts_are_green() -> None:
    script = Script("db1", "db2", "db3", "db4").task("Migrate | Remember")
    script.verdict("db1", "migrated").verdict("db2", "unchanged").verdict("db3", "rollback_failed")
    script.lines()
    colors = {call.args[0].split()[0]: call.kwargs["color"] for call in script.display.display.call_args_list[-4:]}
    assert colors == {"db1": "green", "db2": "green", "db3": "red", "db4": "red"}


def test_a_playbook_without_the_role_ends_without_verdicts() -> None:
    script = Script("db1").task("Install a package", role="").ok("db1").task("Preflight | Gather", role="other")
    assert script.lines() == []


@pytest.mark.parametrize(("callback", "aside"), [("ansible.posix.json", True), ("default", False)])
def test_output_that_a_program_reads_is_not_spoilt(monkeypatch: pytest.MonkeyPatch, callback: str, aside: bool) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    script = Script("db1").task("Preflight | Gather").ok("db1", "[✓] Preflight: fine")
    script.lines()
    assert {call.kwargs["stderr"] for call in script.display.display.call_args_list} == {aside}


def test_the_log_of_a_run_is_kept_where_the_variables_say(home: Path) -> None:
    script = Script("db1", "db2").task("Preflight | Look").ok("db1", "[✓] Nothing stands in the way")
    script.task("Fence | Raise the fence").ok("db1", "[✓] Fenced", run_id="20261116_143022")
    script.failed("db2", what_failed="No disk.").verdict("db1", "migrated").lines()
    log = (home / "logs" / "db1" / "migration_20261116_143022.log").read_text()
    assert [line.partition(" UTC  ")[2] for line in log.splitlines()] == [
        "Phase 1: PRE-MIGRATION  [✓] Nothing stands in the way",
        "Phase 1: PRE-MIGRATION  [✓] Fenced",
        "VERDICT  migrated and verified",
    ]
    (refused,) = (home / "logs" / "db2").iterdir()
    assert "No disk." in refused.read_text()


def test_in_check_mode_no_log_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.context.CLIARGS", CLIArgs({"check": True}))
    Script("db1").task("Fence | Raise the fence").ok("db1", "[✓] Fenced", run_id="20261116_143022").lines()
    assert list(home.iterdir()) == []


def test_a_log_that_cannot_be_kept_is_a_warning(home: Path) -> None:
    (home / "logs").touch()
    script = Script("db1").task("Fence | Raise the fence").ok("db1", "[✓] Fenced", run_id="20261116_143022")
    script.lines()
    assert "The log of the run could not be kept" in script.display.warning.call_args.args[0]


BEGINS = "Gate | Forget an earlier migration of this play"


def migrated(*hosts: str) -> Script:
    """A play of the role's main entry point, in which the first host is migrated and no other one begins."""
    script = Script(*hosts).task(BEGINS, action="ansible.builtin.set_fact").verdict(hosts[0], "refused")
    script.task("Backup | Take", action="pgsafe.migration.pg_backup").ok(hosts[0], run_id="1", backup_dir="/b", bytes=5)
    return script.task("Report | Remember").verdict(hosts[0], "migrated")


def test_the_report_of_all_hosts_is_written_beside_the_logs_and_shown_before_the_verdicts(home: Path) -> None:
    lines = migrated("db1", "db2").lines()
    (written,) = (home / "logs" / "reports").iterdir()
    assert sorted(path.name for path in written.iterdir()) == ["junit.xml", "report.html", "report.json"]
    hosts = json.loads((written / "report.json").read_text())["hosts"]
    assert [(one["host"], one["verdict"], one["well"]) for one in hosts] == [
        ("db1", "migrated", True),
        ("db2", "not_reached", False),
    ]
    assert hosts[0]["backup"] == {"dir": "/b", "bytes": 5, "level": ""}
    assert lines.index("FLEET") < lines.index(f"[info] Report: {written}") < lines.index("VERDICTS")


def test_a_fleet_of_one_has_no_table() -> None:
    assert "FLEET" not in migrated("db1").lines()


def test_a_report_that_cannot_be_written_is_a_warning_behind_the_verdicts(home: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "reports").touch()
    script = migrated("db1")
    assert script.lines()[-1] == "  db1  migrated and verified"
    assert "The report of the run could not be written" in script.display.warning.call_args.args[0]


@pytest.mark.parametrize("place", ["~no such user/reports", "nul\0/reports"])
def test_no_error_of_the_report_itself_hides_a_verdict(place: str) -> None:
    script = migrated("db1", "db2")
    script.manager.get_vars.return_value = {"pg_migrate_report": {"dir": place}}
    with pytest.raises((RuntimeError, ValueError)):
        script.lines()
    assert "  db1  migrated and verified" in [call.args[0] for call in script.display.display.call_args_list]


@pytest.mark.parametrize(
    ("variables", "check", "written"),
    [
        ({"pg_migrate_report": {"dir": "ci", "formats": ["junit"]}}, False, ["junit.xml"]),
        ({"pg_migrate_report": {"dir": "ci", "formats": ["junit"]}}, True, ["junit.xml"]),
        ({"pg_migrate_report": {"dir": "ci", "formats": "junit"}}, False, ["junit.xml"]),
        ({"pg_migrate_report": {"formats": []}}, False, []),
        ({}, True, []),
    ],
)
def test_where_and_whether_a_report_is_written_is_said_by_variables(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], check: bool, written: list[str]
) -> None:
    """In check mode only where a directory is named."""
    monkeypatch.setattr("ansible.context.CLIARGS", CLIArgs({"check": check}))
    script = migrated("db1")
    script.manager.get_vars.return_value = variables
    script.lines()
    assert sorted(path.name for path in home.rglob("*") if path.is_file() and path.suffix != ".log") == written


def test_the_step_that_failed_is_marked(home: Path) -> None:
    script = Script("db1").task(BEGINS, action="ansible.builtin.set_fact").verdict("db1", "refused")
    script.task("Preflight | Gather").failed("db1", msg="No disk.").lines()
    (path,) = (home / "logs").rglob("report.json")
    steps = json.loads(path.read_text())["hosts"][0]["steps"]
    assert [(step["step"], step["well"]) for step in steps] == [("Gate", True), ("Preflight", False)]


def test_another_playbook_of_the_role_writes_no_report(home: Path) -> None:
    Script("db1").task("Gate | Refuse unknown variables").ok("db1").task("Rollback | Restore beside").ok("db1").lines()
    assert list(home.iterdir()) == []


def test_a_host_whose_variables_were_refused_is_in_the_report(home: Path) -> None:
    script = Script("db1").task("Validating arguments against arg spec 'main'", action=VALIDATES)
    script.failed("db1", msg="Unsupported parameters").lines()
    (path,) = (home / "logs").rglob("report.json")
    (one,) = json.loads(path.read_text())["hosts"]
    assert (one["verdict"], one["reasons"], one["batch"]) == ("refused", ["Unsupported parameters"], 1)


VALIDATES = "ansible.builtin.validate_argument_spec"


def windows(*tasks: tuple[str, str]) -> list[int]:
    """What is taken of signals in each of these tasks."""
    script, found = Script("one"), []
    for name, role in tasks:
        script.task(name, role)
        found.append(shield.PAGE[2])
    shield.window(shield.CLOSED)
    return found


def test_signals_are_taken_from_the_fence_to_the_report_and_no_further() -> None:
    ours = "pgsafe.migration.pg_migrate"
    names = ("Preflight | x", "Fence | x", "Backup | x", "Confirm | Ask a person", "Migrate | x", "Report | x")
    assert windows(*[(name, ours) for name in names]) == [0, 2, 2, 1, 2, 0]
    assert windows(("Fence | x", ours), ("Restart the application", "")) == [2, 0]


def test_a_rollback_by_hand_ends_at_the_first_ctrl_c() -> None:
    assert windows(("Rollback | Restore beside", "pgsafe.migration.pg_migrate")) == [0]
