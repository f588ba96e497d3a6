# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of promotion from one environment to the next."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  promotion:
    description:
      - What this environment proves for others, and what it requires of them. docs/promotion.md has the whole of it.
    type: dict
    suboptions:
      dir:
        description:
          - The directory on the controller that holds the promotion records; a git repository will do. It must exist.
          - Absolute, or relative to the inventory, then to the playbook.
        type: path
      environment:
        description: The environment that runs are recorded as, such as V(staging). Without it none is recorded.
        type: str
      required_environments:
        description: The environments in which all that is pending must have been applied and verified before.
        type: list
        elements: str
        default: []
      max_age:
        description: How old the newest record may be, such as V(14d); any age by default. Units are s, m, h, d and w.
        type: str
      soak:
        description: How old the newest record must be at least, such as V(24h).
        type: str
        default: "0"
      override:
        description: Why the run goes on although promotion refuses it. The reason is in the journal and the reports.
        type: str
"""
