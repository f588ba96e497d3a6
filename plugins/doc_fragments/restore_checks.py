# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of the checks before a restore."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  waive:
    description:
      - Checks before a restore whose errors you accept, each with the reason; they are shown as warnings with it.
    type: dict
    default: {}
  free_bytes:
    description: How many bytes are free for the restored data, where the server's disk cannot be seen from the target.
    type: int
"""
