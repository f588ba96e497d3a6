# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files through which a controller, a guard and a worker speak."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import channel as channels
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel, Lease, State


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    found = Channel(tmp_path / "job_1")
    found.open()
    return found


def test_what_is_said_is_read_and_nobody_else_may_read_it(channel: Channel) -> None:
    assert (channel.state(), channel.result(), channel.aborted()) == (None, None, "")
    channel.say(State(channels.RUNNING, beat=3))
    channel.progress({"looks": 1})
    channel.finish({"failed": False})
    assert channel.state() == State(channels.RUNNING, beat=3)
    assert channel.result() == {"failed": False}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in channel.directory.iterdir()}
    assert (modes, stat.S_IMODE(channel.directory.stat().st_mode)) == ({0o600}, 0o700)


def test_the_first_reason_to_break_off_stays(channel: Channel) -> None:
    channel.abort("Ctrl+C")
    channel.abort("The guard was killed.")
    assert channel.aborted() == "Ctrl+C"


def test_a_result_that_is_not_the_end_is_forgotten(channel: Channel) -> None:
    channel.finish({"failed": True})
    channel.forget()
    channel.forget()
    assert channel.result() is None


def test_a_lease_lapses_by_the_time_since_it_was_touched_whatever_the_clock_on_the_wall_says(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lease = Lease(channel, seconds=10.0)
    now = 9.0
    assert not lease.lapsed()
    now = 11.0
    assert lease.lapsed()
    os.utime(channel.directory / channels.LEASE, (0, 0))
    assert not lease.lapsed()
    now = 22.0
    assert lease.lapsed()


def test_a_lease_that_cannot_be_read_is_not_renewed(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lease = Lease(channel, seconds=10.0)
    (channel.directory / channels.LEASE).unlink()
    now = 9.0
    assert not lease.lapsed()
    now = 11.0
    assert lease.lapsed()
