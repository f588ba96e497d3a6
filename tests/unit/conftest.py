# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of all unit tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# a busy machine is no failure
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")

# In the background SIGINT is ignored, and behind nohup SIGHUP; so it would be by all that a test is to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """What an action plugin leaves for the rest of its worker ends with the test."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
