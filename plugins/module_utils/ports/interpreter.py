# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Going over to a Python of the target that has psycopg2, when the one that Ansible chose has not."""

from __future__ import annotations

from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import PSYCOPG2_ERROR

_PLATFORM = ("/usr/libexec/platform-python", "/usr/bin/python3", "/usr/bin/python")


def missing() -> str | None:
    """The traceback of psycopg2's import; None when it is there. Does not return when another Python has it."""
    if PSYCOPG2_ERROR and not has_respawned():
        other = probe_interpreters_for_module(_PLATFORM, "psycopg2")
        if other:
            respawn_module(other)
    return PSYCOPG2_ERROR
