# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give orders to the guard of a run from a module, which ends while the guard goes on."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PgsafeError, Refused
from ..journal.events import Event
from ..journal.journal import PROGRAM, Journal
from ..model import Supervision
from ..ports import commands, files, safe_paths
from . import channel as channels
from . import code
from .channel import Channel, Polled
from .order import CONNECTION, Order, packed_way, send

if TYPE_CHECKING:
    # Ansible ships what a module imports, here too.
    from ..jobs.registry import Request
    from ..restore.request import RecoverRequest
    from . import entry  # noqa: F401  # shipped by its import

_ENTRY = f"{__package__}.entry"
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_REPEAT_SECONDS = 5.0


def watch(request: RecoverRequest, lease: float, idle_timeout: float, run_journal: Journal) -> dict[str, object]:
    """Start the guard of a run that is fenced. Returns what the controller needs to renew the lease.

    :param request: what the guard does with an abandoned run.
    :param lease: seconds that the controller may be silent.
    :param idle_timeout: seconds that the run may rest between two tasks.
    :raises PgsafeError: it did not start.
    """
    directory = str(run_journal.directory)
    _begin(Order("", request, directory, directory, lease, idle_timeout=idle_timeout), run_journal)
    return for_renewer(run_journal, lease, tasks_only=False)


def for_renewer(run_journal: Journal, lease: float, tasks_only: bool) -> dict[str, object]:
    """What the controller's lease renewer needs."""
    return {"directory": str(run_journal.directory), "lease": lease, "tasks_only": tasks_only}


def start(
    job: str, request: Request, supervision: Supervision, run_journal: Journal, for_tasks: bool = False
) -> Polled:
    """Give a job to the guard of its run, or start one, and wait until the job has begun.

    :param for_tasks: whether the job keeps the window open for the user's tasks.
    :returns: what the controller needs to poll the job.
    :raises PgsafeError: the job did not begin; nothing was changed.
    """
    run, own = str(run_journal.directory), str(_next_directory(run_journal))
    # Without a fence there is nothing to watch after the job.
    idle = run_journal.idle_timeout or 0.0
    order = Order(job, request, run, own, supervision.lease, supervision.grace, idle, for_tasks=for_tasks)
    return _begin(order, run_journal).channel.for_controller(job, run_journal.run_id, supervision)


def _begin(order: Order, run_journal: Journal) -> Order:
    """
    :raises Refused: another user could replace the guard's program.
    """
    safe_paths.require(run_journal.directory)
    program = _laid_down(run_journal)
    files.replace_text(run_journal.directory / CONNECTION, packed_way(order.request.target))
    for channel in dict.fromkeys((order.channel, order.lease_channel)):
        channel.open()
    if order.job:
        run_journal.append(Event.GUARDED, job=order.job, directory=order.directory, by_hand=by_hand(program))
    _hand_over(replace(order, script=str(program), environment=dict(os.environ)), run_journal)
    return order


def _hand_over(order: Order, run_journal: Journal) -> None:
    """Wait until the guard has acknowledged the order; one that was killed meanwhile is replaced by another.

    :raises Refused: there is no guard, or it does not take the order, which is withdrawn.
    """
    deadline, again = time.monotonic() + _PATIENCE_SECONDS, 0.0
    while order.channel.state() is None:
        now = time.monotonic()
        if now > deadline:
            # A guard that was stopped may read the order when it goes on.
            order.channel.abort("The guard did not take the order in time.")
            raise Refused(f"The guard did not start: {_log_of(order.channel) or 'its log is empty'}.")
        if now > again:
            _send(order, run_journal)
            again = time.monotonic() + _REPEAT_SECONDS
        time.sleep(_LOOK_SECONDS)


def _send(order: Order, run_journal: Journal) -> None:
    """Send the order to the guard of the run, or start a guard with it."""
    if send(run_journal.directory, order) or run_journal.guarded:
        return
    with files.extended(order.channel.directory / channels.LOG) as log:
        commands.detach([sys.executable, order.script, "guard"], order.packed(), log)


def by_hand(script: Path) -> str:
    """The command that finishes or undoes a run without Ansible; the password comes from PGPASSWORD or a passfile."""
    return f"{sys.executable} -B {script} recover"


def _laid_down(run_journal: Journal) -> Path:
    """The code, under a name made from its content: a guard reads it as long as it runs, so it is never overwritten.

    :raises Refused: something else has its name.
    """
    packed = code.packed(_ENTRY)
    digest = hashlib.sha256(packed).hexdigest()
    path = run_journal.directory / PROGRAM.format(digest[:12])
    if not os.path.lexists(path):
        files.write_bytes(path, packed)
    if path.is_symlink() or files.sha256_of(path).sha256 != digest:
        raise Refused(f"{path} is not the code that was shipped with this task.", remedy=f"Remove it: rm {path}")
    return path


def _next_directory(run_journal: Journal) -> Path:
    """The directory for the next job."""
    number = 1
    while (run_journal.directory / f"job_{number}").exists():
        number += 1
    return run_journal.directory / f"job_{number}"


def _log_of(channel: Channel) -> str:
    try:
        return files.read_text(channel.directory / channels.LOG).strip()[-2000:]
    except PgsafeError:
        return ""
