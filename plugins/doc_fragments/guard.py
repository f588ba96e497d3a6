# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of every module whose work a guard on the target does."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lease:
    description:
      - How many seconds the guard on the target waits for the controller to renew the lease before it aborts the work
        and undoes it. The user's own tasks have the lease of their run instead, where M(pgsafe.migration.pg_fence) gave
        it one.
      - V(0) is no lease, so the work goes on when the controller is gone. The user's own tasks need one.
    type: float
    default: 30.0
  poll_interval:
    description: How many seconds lie between two polls of the guard. Each renews the lease.
    type: float
    default: 1.0
  progress:
    description:
      - Show the progress of the work, in one line that is redrawn on a terminal with one host, else in whole lines, at
        most one in ten seconds.
    type: bool
    default: true
"""
