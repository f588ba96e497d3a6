# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_restore_safe: stay with the guard that does it."""

from __future__ import annotations

from ..plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    """Ansible writes the plugin's name into this class, so each plugin has one of its own."""
