# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a guard from a module, which ends while the guard goes on."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments, commands, files
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import channel as channels
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code, entry
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import CONNECTION, Order
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import Journal

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def start(job: str, params: Mapping[str, Any], run_journal: Journal, lease: float) -> dict[str, Any]:
    """Start the guard of a job, and wait until it says that it is there.

    :param lease: seconds that nobody may be heard of before the job is broken off.
    :returns: what the controller needs to speak to it.
    :raises PgsafeError: it did not start; nothing was changed.
    """
    script = _laid_down(run_journal)
    files.replace_text(run_journal.directory / CONNECTION, json.dumps(_without_password(params)))
    channel = _channel(run_journal)
    order = Order(job, dict(params), str(run_journal.directory), str(channel.directory), lease)
    run_journal.append("guarded", job=job, directory=str(channel.directory), by_hand=by_hand(script))
    with files.extended(channel.directory / channels.LOG) as log:
        commands.detach([sys.executable, "-B", str(script), "guard"], order.packed(), log, {})
    _await(channel)
    facts = {"directory": str(channel.directory), "run_id": run_journal.run_id, "job": job}
    return {**facts, "lease": lease, "poll_interval": params["poll_interval"]}


def by_hand(script: Path) -> str:
    """The command that finishes or undoes a run without Ansible; the password comes from PGPASSWORD or a passfile."""
    return f"{sys.executable} -B {script} recover"


def _laid_down(run_journal: Journal) -> Path:
    """The code, under a name of its content: a guard reads it as long as it lives, so it is never written over."""
    packed = code.packed(entry.__name__)
    path = run_journal.directory / f"guard_{hashlib.sha256(packed).hexdigest()[:12]}.pyz"
    if not path.exists():
        files.write_bytes(path, packed)
    return path


def _channel(run_journal: Journal) -> Channel:
    number = 1
    while (run_journal.directory / f"job_{number}").exists():
        number += 1
    channel = Channel(run_journal.directory / f"job_{number}")
    channel.open()
    return channel


def _without_password(params: Mapping[str, Any]) -> dict[str, Any]:
    """The connection as module parameters."""
    target = arguments.target(params)
    keywords = {name: value for name, value in target.params.items() if name != "password"}
    return {
        "login_db": target.dbname,
        "connect_params": keywords,
        "maintenance_db": target.maintenance_db,
        "session_role": target.session_role,
        "bin_dir": target.bin_dir,
    }


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
