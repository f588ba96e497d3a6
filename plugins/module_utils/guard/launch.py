# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a guard from a module, which ends while the guard goes on."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import channel as channels
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code, entry
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import CONNECTION, Order, packed_way
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs.registry import Request
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Supervision
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands, files, safe_paths
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.recover import RecoverRequest

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def watchdog(request: RecoverRequest, lease: float, idle_timeout: float, run_journal: Journal) -> dict[str, Any]:
    """Start the watchdog of a run that is fenced; what the controller needs to renew its lease.

    :param request: what it does with a run that is abandoned.
    :param lease: seconds that the controller may be silent.
    :param idle_timeout: seconds that the run may rest between two tasks.
    :raises PgsafeError: it did not start.
    """
    order = Order("recover", request, str(run_journal.directory), "", lease, idle_timeout=idle_timeout)
    channel = _begin(order, "watchdog", run_journal)
    return {"directory": str(channel.directory), "run_id": run_journal.run_id, "lease": lease}


def start(job: str, request: Request, supervision: Supervision, run_journal: Journal) -> dict[str, Any]:
    """Start the guard of a job, and wait until it says that it is there.

    :returns: what the controller needs to speak to it.
    :raises PgsafeError: it did not start; nothing was changed.
    """
    order = Order(job, request, str(run_journal.directory), "", supervision.lease, supervision.grace)
    return _begin(order, "guard", run_journal).for_controller(job, run_journal.run_id, supervision)


def _begin(order: Order, role: str, run_journal: Journal) -> Channel:
    """Start the program in a role of its own, and wait until it says that it is there.

    :raises Refused: another user could replace it.
    """
    safe_paths.require(run_journal.directory)
    script = _laid_down(run_journal)
    files.replace_text(run_journal.directory / CONNECTION, packed_way(order.request.target))
    channel = _channel(run_journal)
    directory = str(channel.directory)
    if role == "guard":
        run_journal.append(Event.GUARDED, job=order.job, directory=directory, by_hand=by_hand(script))
    with files.extended(channel.directory / channels.LOG) as log:
        given = replace(order, directory=directory).packed()
        commands.detach([sys.executable, "-B", str(script), role], given, log, {})
    _await(channel)
    return channel


def by_hand(script: Path) -> str:
    """The command that finishes or undoes a run without Ansible; the password comes from PGPASSWORD or a passfile."""
    return f"{sys.executable} -B {script} recover"


def _laid_down(run_journal: Journal) -> Path:
    """The code, under a name of its content: a guard reads it as long as it lives, so it is never written over.

    :raises Refused: something else has its name.
    """
    packed = code.packed(entry.__name__)
    digest = hashlib.sha256(packed).hexdigest()
    path = run_journal.directory / f"guard_{digest[:12]}.pyz"
    if not os.path.lexists(path):
        files.write_bytes(path, packed)
    if path.is_symlink() or files.sha256_of(path).sha256 != digest:
        raise Refused(f"{path} is not the code that was shipped with this task.", remedy=f"Remove it: rm {path}")
    return path


def _channel(run_journal: Journal) -> Channel:
    number = 1
    while (run_journal.directory / f"job_{number}").exists():
        number += 1
    channel = Channel(run_journal.directory / f"job_{number}")
    channel.open()
    return channel


def _await(channel: Channel) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while channel.state() is None:
        if time.monotonic() > deadline:
            raise Refused(f"The guard did not start: {_said(channel) or 'it said nothing'}.")
        time.sleep(_LOOK_SECONDS)


def _said(channel: Channel) -> str:
    try:
        return files.read_text(channel.directory / channels.LOG).strip()[-2000:]
    except PgsafeError:
        return ""
