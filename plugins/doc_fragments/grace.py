# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of how long aborted work may take to end."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  grace:
    description:
      - How many seconds aborted work may take to end, before its process is killed and another one undoes the work.
        Undoing may take longer.
    type: float
    default: 30.0
"""
