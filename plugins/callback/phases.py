# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: Show the phases of a migration, their ticks, and a verdict for every host
version_added: 0.1.0
description:
  - Prints the lines that the modules of the collection return for people, under the heading of their phase.
  - Ends a run with a line for every host, also for those that were not reached.
  - Writes a report of all hosts on the controller, C(report.html), C(report.json) and C(junit.xml), in a directory of
    its own for each play below C(pg_migrate_report.dir), by default C(reports) in C(pg_migrate_controller_dir).
    C(pg_migrate_report.formats) chooses among them. It never changes a verdict.
  - Keeps a log of each run on the controller, C(migration_<run_id>.log) in a directory of the host's own below
    C(pg_migrate_controller_dir), also of runs whose controller had died and which this play has met.
  - Found by itself for the collection's playbooks. For a playbook of your own, enable it in the configuration.
requirements:
  - C(callbacks_enabled = pgsafe.migration.phases) for playbooks of your own
"""

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ..module_utils import playbooks
from ..module_utils.errors import FileFailed
from ..module_utils.foreign_text import lines as foreign_lines
from ..module_utils.foreign_text import visible
from ..module_utils.journal import verdicts
from ..module_utils.journal.verdicts import Verdict
from ..module_utils.text import first_few
from ..plugin_utils import fleet_files, fleet_words, role_options, run_logs, shield
from ..plugin_utils.fleet_report import Gathering, Task

_ROLE = "pg_migrate"

_PHASES = {
    "Recover": "Phase 1: PRE-MIGRATION",
    "Preflight": "Phase 1: PRE-MIGRATION",
    "Plan": "Phase 1: PRE-MIGRATION",
    "Audit": "Phase 1: PRE-MIGRATION",
    "Fence": "Phase 1: PRE-MIGRATION",
    "Backup": "Phase 1: PRE-MIGRATION",
    "Verify": "Phase 1: PRE-MIGRATION",
    "Copy": "Phase 1: PRE-MIGRATION",
    "Confirm": "Phase 2: CONFIRMATION",
    "Migrate": "Phase 3: MIGRATION",
    "Finish": "Phase 4: RECOVERY",
    "Rollback": "Phase 4: ROLLBACK",
    "Batch": "Phase 4: ROLLBACK",
}

# From the first of these tasks to the last of them a host may be fenced, and an end between two of them is taken too.
_WINDOW_OPENS = "Fence"
_ASKS = "Confirm | Ask a person"
# Tasks of other roles have no step; those of the user's own within the window have names of their own.
_BEHIND = ("", "Report")

# The tasks that a run may begin with.
_BEGINNINGS = ("Gate | Forget", "Validating arguments against arg spec 'main'")

_NOT_OPEN = {Verdict.REFUSED: "refused: the migration did not begin, and the database is not open for writing"}

_WELL = (*verdicts.WELL_IN_CHECK_MODE, Verdict.AS_BACKUP, Verdict.FINISHED)

_COLORS = {"[✓]": "green", "[✗]": "red", "[ERROR]": "bright red", "[error]": "red", "[warning]": "bright purple"}


# Of a host that was lost behind the fence.
_GOES_ON = "The run undoes itself on the host, or is finished there; look at it with pgsafe.migration.status."


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core ships no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pgsafe.migration.phases"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hosts: list[str] = []
        self._verdicts: dict[str, Verdict] = {}
        self._reasons: dict[str, str] = {}
        self._access: dict[str, str] = {}
        self._lost: dict[str, list[str]] = {}
        self._foretold: set[str] = set()
        self._phase = self._coming = ""
        self._ours = self._fenced = self._specified = False
        self._play: Any = None
        self._logs: dict[str, run_logs.HostLog] = {}
        self._began, self._started = datetime.now(timezone.utc), time.monotonic()
        self._gathering = Gathering(self._started)
        self._of_play: list[str] = []
        self._batch: list[str] = []
        # The hosts of plays that migrate, and the play that did so last.
        self._fleet: list[str] = []
        self._migrating: Any = None
        # Found beside the playbook and enabled in the configuration it is loaded twice; the first one prints.
        first = getattr(self._display, "pgsafe_phases", self)
        self._display.pgsafe_phases = first
        self.disabled = first is not self
        # On standard output these lines would spoil what a program is to read.
        self._aside = "json" in str(constants.DEFAULT_STDOUT_CALLBACK)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        shield.install()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._phase = self._coming = ""
        self._play = play
        self._fenced = False
        shield.window(shield.CLOSED)
        manager = play.get_variable_manager()
        # Each batch starts the play anew, restricted to its own hosts.
        hosts = manager._inventory.get_hosts(play.hosts, ignore_restrictions=True)
        known = [host.get_name() for host in hosts]
        self._hosts += [host for host in known if host not in self._hosts]
        self._of_play = known
        self._batch = [host.get_name() for host in manager._inventory.get_hosts(play.hosts)]

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._enter(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._enter(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._gathering.start(host.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._gather(result)
        self._show(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._gather(result, well=bool(ignore_errors))
        self._remember_reason(result)
        self._show(result)
        if not ignore_errors:
            self._foretell(result._host.get_name())
        if self._specified and not ignore_errors:
            self._verdicts[result._host.get_name()] = Verdict.REFUSED

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._gather(result, well=False)
        host = result._host.get_name()
        verdict = self._verdicts.get(host, Verdict.UNKNOWN)
        begun = self._fenced and verdict is Verdict.UNKNOWN
        if verdict in (Verdict.UNKNOWN, Verdict.REFUSED):
            self._verdicts[host] = Verdict.UNREACHABLE
        reason = "\n".join(foreign_lines(str(_said(result).get("msg", "")).strip()))
        self._reasons.setdefault(host, f"{reason}\n{_GOES_ON}" if begun else reason)
        self._foretell(host)

    def _foretell(self, host: str) -> None:
        """What a batch with a failed host comes to, said before it is done: the play may not live that long."""
        if not (self._fenced and self._migrating) or host in self._foretold:
            return
        if self._variable(host, "pg_migrate_on_batch_failure") == "rollback_batch":
            self._foretold.add(host)
            command = playbooks.rolling_back("before_last_migration")
            self._say(f"{host}: [info] The batch failed. Once it has ended, its migrated hosts are rolled back.")
            self._say(f"{host}: [info] If the play ends before that, run for each of them: {command}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        shield.window(shield.CLOSED)
        if not self._ours:
            return
        ends = {host: self._end(host, stats) for host in self._hosts}
        unwritten = ""
        try:
            unwritten = self._report(ends)
        finally:
            # Ansible makes a warning of an error of a callback; no error of the report may hide a verdict.
            self._show_verdicts(ends)
        if unwritten:
            self._display.warning(unwritten)

    def _show_verdicts(self, ends: dict[str, tuple[Verdict, bool]]) -> None:
        self._say("")
        self._say("VERDICTS")
        width = max(len(host) for host in ends)
        for host, (verdict, well) in ends.items():
            self._say(f"  {host:<{width}}  {self._text(host, verdict)}", "green" if well else "red")
            for line in self._lines(host):
                self._say(f"      {line}")
            self._end_log(host, verdict)

    def _end(self, host: str, stats: Any) -> tuple[Verdict, bool]:
        """The verdict, and whether it is good and the host has not failed."""
        verdict = self._verdicts.get(host) or self._without(host, stats)
        return verdict, verdict in _WELL and host not in stats.failures

    def _report(self, ends: dict[str, tuple[Verdict, bool]]) -> str:
        """Show and write the report of all hosts; why it could not be written, or empty."""
        if not self._fleet:
            return ""
        for host in self._fleet:
            self._gathering.end(host, *ends[host], self._text(host, ends[host][0]), self._lines(host))
            if not self._gathering.named(host):
                self._gathering.name(host, str(self._variable(host, "pg_migrate_db")))
        seconds = time.monotonic() - self._started
        report = self._gathering.report(self._fleet, self._began, seconds, bool(context.CLIARGS.get("check")))
        if len(report["hosts"]) > 1:
            self._say("")
            self._say("FLEET", "bright blue")
            for line in fleet_words.table(report["hosts"]):
                self._say(f"  {line}")
        return self._write_report(report)

    def _write_report(self, report: dict[str, Any]) -> str:
        place, formats = self._report_place(), self._report_formats()
        if place is None or not formats:
            return ""
        try:
            written = fleet_files.write(place, formats, report)
        except FileFailed as error:
            return fleet_files.unwritable(error)
        self._say(f"[info] Report: {written}")
        return ""

    def _report_place(self) -> Path | None:
        """In check mode only where a variable names it, as nothing else is written then."""
        chosen = str(self._report_option("dir"))
        if chosen or context.CLIARGS.get("check"):
            return Path(chosen).expanduser().resolve() if chosen else None
        logs = str(self._first("pg_migrate_controller_dir") or run_logs.DIRECTORY)
        return Path(logs).expanduser().resolve() / fleet_files.DIRECTORY

    def _report_formats(self) -> list[str]:
        asked, known = self._report_option("formats"), list(fleet_files.FORMATS)
        asked = asked.split(",") if asked and isinstance(asked, str) else asked
        return [word for word in known if word in asked] if isinstance(asked, list) else known

    def _report_option(self, key: str) -> Any:
        given = self._first("pg_migrate_report")
        return given.get(key, "") if isinstance(given, dict) else ""

    def _first(self, name: str) -> Any:
        """A report is of all hosts: the first one that has the variable decides."""
        found = (self._variable(host, name) for host in self._fleet)
        return next((value for value in found if value not in ("", None, {})), "")

    def _variable(self, host: str, name: str) -> Any:
        """As the inventory and the play have it; empty where there is none, or it cannot be templated."""
        manager = self._migrating.get_variable_manager()
        variables = manager.get_vars(play=self._migrating, host=manager._inventory.get_host(host))
        try:
            return Templar(loader=manager._loader, variables=variables).template(variables.get(name, ""))
        except AnsibleError:
            return ""

    def _text(self, host: str, verdict: Verdict) -> str:
        closed = _NOT_OPEN.get(verdict) if self._access.get(host) else None
        lost = self._lost.get(host) if verdict is Verdict.ROLLED_BACK else None
        excepted = f", except: {visible(first_few(lost))}" if lost else ""
        return closed or f"{verdict.text}{excepted}"

    def _lines(self, host: str) -> list[str]:
        """Below the verdict: why, and who may use the database where others may not."""
        return [*self._reasons.get(host, "").splitlines(), *self._access.get(host, "").splitlines()]

    @staticmethod
    def _without(host: str, stats: Any) -> Verdict:
        """Of a host that got no verdict: another playbook has none, or did not come to it."""
        if host not in stats.processed:
            return Verdict.NOT_REACHED
        return Verdict.FAILED if host in stats.failures or host in stats.dark else Verdict.FINISHED

    def _enter(self, task: Any) -> None:
        role, _colon, name = task.get_name().partition(" : ")
        step = name.partition(" | ")[0] if role.endswith(_ROLE) else ""
        self._fenced = self._fenced or step == _WINDOW_OPENS
        shield.window(_window(step, name) if self._fenced else shield.CLOSED)
        # Ansible's own first task of a role, which checks the variables.
        self._specified = bool(step) and task.action == "ansible.builtin.validate_argument_spec"
        if step:
            self._ours = True
            self._begin_batch(name)
            self._coming = _PHASES.get(step, self._coming)

    def _begin_batch(self, name: str) -> None:
        """With the first task of the main entry point, the only one that migrates."""
        if name.startswith(_BEGINNINGS):
            self._migrating = self._play
            self._fleet += [host for host in self._of_play if host not in self._fleet]
            if self._batch:
                self._gathering.batch(self._batch)
                self._batch = []

    def _gather(self, result: Any, well: bool = True) -> None:
        host, task = result._host.get_name(), result._task
        role, _colon, name = task.get_name().partition(" : ")
        if role.endswith(_ROLE) and host in self._fleet:
            self._gathering.take(host, Task(name, str(task.action)), _said(result), time.monotonic(), well)

    def _remember_reason(self, result: Any) -> None:
        """What a person wants to read last: the first failure of a host, and what to do about it."""
        said = _said(result)
        undo = [f"While undoing: {problem}" for problem in said.get("undo_problems") or []]
        what = said.get("what_failed") or said.get("msg", "")
        parts = [what, *undo, said.get("state_left", ""), said.get("remedy", "")]
        parts.append(self._variables(said))
        reason = "\n".join("\n".join(foreign_lines(str(part).strip())) for part in parts if part)
        self._reasons.setdefault(result._host.get_name(), reason)

    def _variables(self, said: dict[str, Any]) -> str:
        """Remedies name the options of a module; who uses the role sets variables."""
        remedies = [said.get("remedy"), *[problem.get("remedy") for problem in said.get("problems") or []]]
        found = role_options.named(" ".join(str(remedy) for remedy in remedies if remedy)) if self._ours else []
        return f"Variables of the role for these options: {', '.join(found)}" if found else ""

    def _show(self, result: Any) -> None:
        said = _said(result)
        host = result._host.get_name()
        facts = said.get("ansible_facts") or {}
        if "pg_migrate_verdict" in facts:
            self._verdicts[host] = verdicts.of_word(str(facts["pg_migrate_verdict"]).strip())
        if "pg_migrate_access" in facts:
            self._access[host] = str(facts["pg_migrate_access"]).strip()
        if said.get("stays"):
            stays = [shown for line in said["stays"] for shown in foreign_lines(str(line))]
            self._reasons.setdefault(host, "\n".join(stays))
        if said.get("verdict") in (Verdict.ROLLED_BACK, Verdict.ROLLED_BACK_WITH_BATCH):
            self._lost[host] = [str(line) for line in said.get("not_given_back") or []]
        prefix = f"{host}: " if len(self._hosts) > 1 else ""
        for line in _console(said):
            self._begin_phase()
            self._say(prefix + line, _COLORS.get(line.partition("] ")[0] + "]"))
        if self._ours:
            self._keep(host, said)

    def _keep(self, host: str, said: dict[str, Any]) -> None:
        """In the log on the controller; a run does not fail because of it."""
        log = self._log_of(host)
        if log is None:
            return
        for line in _console(said):
            log.show(self._phase, line)
        try:
            log.take(said)
        except FileFailed as error:
            self._display.warning(run_logs.unwritable(error))

    def _end_log(self, host: str, verdict: Verdict) -> None:
        log = self._logs.get(host)
        if log is None:
            return
        log.show("VERDICT", self._text(host, verdict))
        for line in self._lines(host):
            log.show("VERDICT", line)
        try:
            log.end(verdict in (Verdict.REFUSED, Verdict.FAILED))
        except FileFailed as error:
            self._display.warning(run_logs.unwritable(error))

    def _log_of(self, host: str) -> run_logs.HostLog | None:
        """None in check mode, in which nothing is written."""
        if context.CLIARGS.get("check"):
            return None
        if host not in self._logs:
            manager = self._play.get_variable_manager()
            variables = manager.get_vars(play=self._play, host=manager._inventory.get_host(host))
            chosen = variables.get("pg_migrate_controller_dir") or run_logs.DIRECTORY
            place = Templar(loader=manager._loader, variables=variables).template(chosen)
            self._logs[host] = run_logs.HostLog(str(place), host)
        return self._logs[host]

    def _begin_phase(self) -> None:
        """A heading comes with its first line, so that a phase that was passed over has none."""
        if self._coming != self._phase:
            self._phase = self._coming
            self._say("")
            self._say(self._phase, "bright blue")

    def _say(self, text: str, color: str | None = None) -> None:
        self._display.display(text, color=color, stderr=self._aside)


def _window(step: str, name: str) -> int:
    if name == _ASKS:
        return shield.KEYS
    return shield.CLOSED if step in _BEHIND else shield.OPEN


def _console(said: dict[str, Any]) -> list[str]:
    """What the module has for people; a line that is none, such as one with a strange name in it, is marked."""
    return [shown for line in said.get("console") or [] for shown in foreign_lines(str(line))]


def _said(result: Any) -> dict[str, Any]:
    """A task's result; the attribute's name changed with ansible-core 2.19."""
    found: dict[str, Any] = getattr(result, "result", None) or result._result
    return found
