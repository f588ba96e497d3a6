# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of how long a work may take to end that is broken off."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  grace:
    description:
      - How many seconds the work may take to end when it is broken off, before its process is killed and another one
        puts everything back. What puts things back by itself may take longer.
    type: float
    default: 30.0
"""
