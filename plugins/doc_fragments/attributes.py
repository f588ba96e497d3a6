# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the attributes that every module declares."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict what would be done without doing it.
  diff_mode:
    description: Can show what changes in detail.
    support: none
  idempotent:
    description: Run twice with the same options, the second run changes nothing.
  platform:
    description: Where it runs.
    platforms: posix
    support: full
"""

    READS = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict what would be done without doing it.
    support: full
    details: It changes nothing anyway.
  diff_mode:
    description: Can show what changes in detail.
    support: none
  idempotent:
    description: Run twice with the same options, the second run changes nothing.
    support: full
  platform:
    description: Where it runs.
    platforms: posix
    support: full
"""
