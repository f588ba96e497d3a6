# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pin is in the journal of the run, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import pin, prune, stored
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Policy
from ansible_collections.pgsafe.migration.tests.unit import stored_backups as made


def test_a_pinned_backup_is_kept_until_it_is_unpinned(tmp_path: Path) -> None:
    old = made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    asked = prune.PruneRequest(tmp_path, "app", Policy(7, 1))
    assert pin.plan(pin.PinRequest(old, "the auditors")).changed is True
    assert stored.look(old).pinned == ""
    assert pin.run(pin.PinRequest(old, "the auditors")).changed is True
    assert pin.run(pin.PinRequest(old, "the auditors")).changed is False
    assert prune.run(asked).decisions[0].reason == "pinned: the auditors"
    assert pin.run(pin.PinRequest(old, "")).changed is True
    assert pin.run(pin.PinRequest(old, "")).changed is False
    assert [decision.backup.directory for decision in prune.run(asked).removed] == [old]


def test_a_link_is_resolved(tmp_path: Path) -> None:
    new = made.stored(tmp_path, 2)
    (new.parent / "latest").symlink_to(new.name)
    assert pin.run(pin.PinRequest(new.parent / "latest", "why")).backup.directory == new


def test_a_pin_does_not_wake_a_run_that_rests(tmp_path: Path) -> None:
    resting = made.stored(tmp_path, 2)
    assert made.run_of(resting).state.resting is True
    pin.run(pin.PinRequest(resting, "why"))
    assert made.run_of(resting).state.resting is True


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_pin_needs_a_reason(reason: str) -> None:
    with pytest.raises(BadRequest, match="requires a reason"):
        pin.reason_of(pinned=True, reason=reason)
    assert pin.reason_of(pinned=False, reason="not used") == ""


def test_what_is_no_backup_or_no_longer_one_cannot_be_pinned(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match="is no directory of a backup"):
        pin.plan(pin.PinRequest(tmp_path, "why"))
    with pytest.raises(NotABackup, match="is unfinished"):
        pin.plan(pin.PinRequest(made.unfinished(tmp_path, 3), "why"))
    foreign = made.stored(tmp_path, 2)
    files.remove_tree(made.run_of(foreign).directory)
    with pytest.raises(Refused, match="there is nothing to pin"):
        pin.plan(pin.PinRequest(foreign, "why"))


def test_a_backup_whose_removal_has_begun_meanwhile_is_not_said_to_be_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made.stored(tmp_path, 9)
    planned = pin.plan(pin.PinRequest(old, "why"))
    monkeypatch.setattr(pin, "plan", lambda _request: planned)
    made.run_of(old).append(Event.PRUNING, backup_dir=str(old), reason="old")
    (old / manifests.MANIFEST).unlink()
    with pytest.raises(NotABackup, match="is being removed"):
        pin.run(pin.PinRequest(old, "why"))
