# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Found beside the collection's playbooks, so that they show their phases without any setting."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.callback.phases import DOCUMENTATION, CallbackModule

__all__ = ["DOCUMENTATION", "CallbackModule"]
