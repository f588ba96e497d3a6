# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``guard.pyz`` does: be the guard of a run, be the worker of one of its jobs, or finish a run by hand."""

from __future__ import annotations

import sys

from ..jobs import awaiting
from . import by_hand, supervisor, worker

_ROLES = {
    "guard": supervisor.main,
    "work": worker.main,
    "await": awaiting.main,
    "recover": by_hand.main,
}


def main() -> None:
    """Never returns."""
    role = _ROLES.get(sys.argv[1]) if len(sys.argv) > 1 else None
    raise SystemExit(role(sys.argv[2:]) if role else f"usage: {sys.argv[0]} recover")
