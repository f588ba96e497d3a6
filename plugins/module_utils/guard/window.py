# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration by the user's own tasks: the armed window around them, which a guard keeps.

Between *armed* and the word that the tasks are done, the controller's lease renewer renews the lease of the run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..console import fence as fence_console
from ..console import plan as plan_console
from ..errors import BadRequest, PgsafeError, Refused
from ..fence import run as fence
from ..fence import standing
from ..jobs import awaiting
from ..journal import journal
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.verdicts import Verdict
from ..migrate import run as migrate
from ..model import Supervision
from ..ports import files
from . import channel as channels
from . import launch
from .channel import Channel

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Window:
    """:param backup_dir: of the backup of the window's run.
    :param run_id: the run.
    """

    backup_dir: Path
    run_id: str
    supervision: Supervision


def arm(window: Window, request: migrate.MigrateRequest, check_mode: bool) -> dict[str, object]:
    """Close the database and keep the window open for the tasks.

    :returns: the name of the database for the tasks, and what a lease renewer needs.

    :raises PgsafeError: the migration may not begin, or could not; nothing was changed.
    """
    run_journal = None if check_mode else _run_of(window)
    if run_journal and _armed(run_journal):
        return _way_in(run_journal, changed=False)
    plan = migrate.plan(request)
    foreseen = {"pending": plan.pending, "digest": plan.digest, "files": plan.files}
    if run_journal is None or not plan.pending:
        verdict = (Verdict.PENDING if plan.pending else Verdict.UNCHANGED).value
        return {"changed": plan.pending, "verdict": verdict, **foreseen, "console": plan_console.plan(plan)}
    _require_way_in(migrate.permitted(request))
    source = replace(request.source, word=_word(run_journal))
    # The lease of the run is the window's too; without one the window gets its own.
    supervision = replace(window.supervision, lease=run_journal.lease or window.supervision.lease)
    _require_lease(supervision)
    launch.start("migrate", replace(request, source=source), supervision, run_journal, for_tasks=True)
    _await_armed(run_journal)
    opened = {**_way_in(run_journal, changed=True), **foreseen}
    if run_journal.lease:
        return opened
    return {**opened, "guard": launch.for_renewer(run_journal, supervision.lease, tasks_only=True)}


def done(window: Window) -> dict[str, object]:
    """Have the guard verify the changes of the tasks. Returns what the controller needs to poll it.

    :raises Refused: the run was never armed for tasks.
    """
    run_journal = _require_armed_once(window)
    if Channel(_channel_directory(run_journal)).result() is None:
        files.replace_text(_word(run_journal), "")
    return _guard(run_journal, window.supervision)


def undo(window: Window) -> dict[str, object]:
    """Have the guard roll back the changes of the tasks. Returns what the controller needs to poll it.

    :raises Refused: the run was never armed for tasks.
    """
    run_journal = _require_armed_once(window)
    channel = Channel(_channel_directory(run_journal))
    if channel.result() is None:
        channel.abort("The tasks of the migration failed, or were interrupted.")
    return _guard(run_journal, window.supervision)


def failure(window: Window, error: PgsafeError) -> dict[str, object]:
    """The result of a failed task: its message, and how the run stands, where there is one."""
    try:
        return {**error.facts(), **standing.facts(_run_of(window))}
    except PgsafeError:
        return {**error.facts(), "verdict": Verdict.REFUSED.value}


def _run_of(window: Window) -> Journal:
    if window.backup_dir == Path() or not window.run_id:
        raise BadRequest("A window is opened for a run and its backup.", remedy="Give run_id and backup_dir.")
    run_journal = journal.of_run(window.backup_dir.resolve().parent.parent, window.run_id)
    if run_journal is None:
        raise Refused(f"There is no run {window.run_id} beside {window.backup_dir}.")
    return run_journal


def _require_armed_once(window: Window) -> Journal:
    run_journal = _run_of(window)
    if not run_journal.state.armed or not _channel_directory(run_journal).is_dir():
        raise Refused(f"The run {run_journal.run_id} was never armed.", remedy="Begin with state=armed.")
    return run_journal


def _armed(run_journal: Journal) -> bool:
    return run_journal.state.unfinished and run_journal.alive


def _channel_directory(run_journal: Journal) -> Path:
    """The directory of the channel of the migration."""
    guarded = [entry.facts for entry in run_journal.entries() if entry.event is Event.GUARDED]
    found = [facts["directory"] for facts in guarded if facts["job"] == "migrate"]
    return Path(found[-1]) if found else run_journal.directory / "none"


def _word(run_journal: Journal) -> Path:
    return run_journal.directory / awaiting.WORD


def _require_way_in(run_journal: Journal) -> None:
    """
    :raises BadRequest: behind the fence there is no connection that the tasks could use.
    """
    raised = fence.recorded(run_journal)
    if raised and raised.kind == fence.CONNECT:
        raise BadRequest(
            "Behind the fence 'connect' only a role of the run can connect, and its password is not disclosed.",
            remedy="Choose another fence for a migration by tasks, such as read_only+closed.",
        )


def _require_lease(supervision: Supervision) -> None:
    """
    :raises BadRequest: tasks end with their controller, and without a lease their window would stay open for ever.
    """
    if not supervision.lease:
        raise BadRequest("A migration by tasks needs a lease: lease is 0.", remedy="Set lease to 30 seconds or more.")


def _await_armed(run_journal: Journal) -> None:
    """
    :raises Refused: the window could not be opened; the database is open again, and as it was, unless guard and worker
        were killed.
    """
    channel = Channel(_channel_directory(run_journal))
    beat = channels.Standstill(channel.state())
    while not run_journal.state.armed:
        if beat.seconds(channel.state) > channels.SILENT_SECONDS:
            raise Refused(channels.GONE, f"The run {run_journal.run_id} is undone by this play, or by its guard.")
        result = channel.result()
        if result is not None:
            raise Refused(str(result.get("what_failed") or result["msg"]), str(result.get("state_left") or ""))
        # A lease renewer of the window begins when the window is open.
        Channel(run_journal.directory).renew()
        time.sleep(_LOOK_SECONDS)


def _way_in(run_journal: Journal, changed: bool) -> dict[str, object]:
    raised = fence.recorded(run_journal)
    closed = raised is not None and raised.kind != fence.NONE
    name = raised.closed_name if raised and closed else run_journal.database
    console = fence_console.armed(name)
    return {"changed": changed, "window": run_journal.state.window, "database": name, "console": console}


def _guard(run_journal: Journal, supervision: Supervision) -> dict[str, object]:
    channel = Channel(_channel_directory(run_journal))
    return {"changed": True, "guard": channel.for_controller("migrate", run_journal.run_id, supervision)}
