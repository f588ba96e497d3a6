# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renew the lease of a run from the fence to its end, and say so when the controller has ended before that."""

from __future__ import annotations

import time
from contextlib import suppress

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.pgsafe.migration.plugins.plugin_utils.far_channel import FarChannel
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import Trap

_LOOK_SECONDS = 0.2

# Several polls may be lost before the lease lapses.
_POLLS_A_LEASE = 5


class LeaseRenewal:
    """
    :param lease: seconds; 0 is no lease.
    """

    def __init__(self, channel: FarChannel, lease: float, trap: Trap) -> None:
        self._channel = channel
        self._interval = lease / _POLLS_A_LEASE
        self._trap = trap

    def run(self) -> None:
        """Until the run has ended, or the controller has."""
        while self._interval and not self._over():
            until = time.monotonic() + self._interval
            while time.monotonic() < until and not self._trap.deserted:
                time.sleep(_LOOK_SECONDS)

    def _over(self) -> bool:
        # A host that cannot be reached is tried again; on it the lease lapses.
        with suppress(AnsibleConnectionFailure):
            if self._trap.deserted:
                self._channel.tell("The controller is gone.")
                return True
            if not self._trap.suspended:
                look = self._channel.poll()
                return look is not None and look.state.get("state") == "ended"
        return self._trap.deserted
