# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finish or undo a run without Ansible: ``python3 guard_….pyz recover``, in the directory of the run.

The password comes from PGPASSWORD or a password file, as for every program of PostgreSQL.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..arguments import JOBS, defaults
from ..jobs import recover, registry
from ..journal.journal import Journal
from ..ports import files
from ..restore.request import request_of
from . import received
from .order import CONNECTION


def main(_arguments: Sequence[str]) -> int:
    """Returns 0 when the database is open and whole, else 1."""
    run = Path(sys.argv[0]).resolve().parent
    target = received.way(files.read_text(run / CONNECTION))
    request = request_of(Journal(run), target, defaults(JOBS)["jobs"])
    result = registry.run(recover, replace(request, after_failover=True), str)
    lines = result.get("console") or ["Nothing was left to do."]
    report = [str(result["msg"])] if result.get("failed") else lines
    sys.stdout.write("\n".join([*report, ""]))
    return 1 if result.get("failed") else 0
