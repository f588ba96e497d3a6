# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup is removed only where no rule has a reason to keep it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Decision, Policy, days, decide
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition, StoredBackup

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
WEEK = Policy(keep_days=7, keep_min=2)


def backup(age: float, database: str = "app", **facts: Any) -> StoredBackup:
    run_id = f"{1000 - age:.0f}"
    found = StoredBackup(
        directory=Path("/b") / database / f"migration_{run_id}",
        run_id=run_id,
        database=database,
        created=NOW - timedelta(days=age),
        bytes=10,
        condition=Condition.COMPLETE,
        level="restore",
        verdict="migrated",
    )
    return replace(found, **facts)


NEWER = (backup(3), backup(2))


def oldest(*backups: StoredBackup, policy: Policy = WEEK) -> Decision:
    return decide(backups, policy, NOW)[0]


def test_backups_of_a_namesake_on_another_server_make_none_dispensable() -> None:
    own = backup(9, server="one")
    assert oldest(own, *[replace(of, server="another") for of in NEWER]).removed is False
    # An encrypted copy does not say its server.
    assert oldest(own, *NEWER).removed is True


def test_an_old_backup_behind_enough_proven_ones_is_removed() -> None:
    why = "9 days old; newer proven backups: 2"
    assert oldest(backup(9), *NEWER) == Decision(backup(9), removed=True, reason=why)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"pinned": "the auditors"}, "pinned: the auditors"),
        ({"condition": Condition.IN_USE}, "in use"),
        ({"condition": Condition.UNFINISHED}, "unfinished; the next run removes it if its own run is dead"),
        ({"condition": Condition.UNREADABLE, "problem": "cut"}, "unreadable: cut"),
        ({"condition": Condition.FOREIGN}, "no run of this backup root took it"),
        ({"run_ended": False, "verdict": "held"}, "its run has not ended (held)"),
        ({"run_ended": False, "verdict": ""}, "its run has not ended"),
        ({"verdict": "unknown"}, "its run has not ended (unknown)"),
        ({"latest": True}, "the link latest points at it"),
        ({"condition": Condition.PARTLY_REMOVED, "pinned": "late"}, "pinned: late"),
    ],
)
def test_what_protects_a_backup_is_named(facts: dict[str, Any], reason: str) -> None:
    assert oldest(backup(9, **facts), *NEWER) == Decision(backup(9, **facts), removed=False, reason=reason)


@pytest.mark.fault(41)
def test_the_newest_good_backup_is_kept_however_old_it_is() -> None:
    failed = [backup(age, level="", verdict="") for age in (3, 2, 1)]
    assert oldest(backup(90), *failed).reason == "newer proven backups: 0 of 2"


@pytest.mark.fault(42)
def test_the_backups_of_another_database_do_not_count() -> None:
    others = [backup(age, "app-test") for age in (3, 2, 1)]
    assert not oldest(backup(9), *others).removed


@pytest.mark.fault(44)
def test_a_single_good_backup_is_kept_by_any_policy() -> None:
    strictest = Policy(keep_days=0, keep_min=1)
    assert oldest(backup(9), policy=strictest).reason == "newer proven backups: 0 of 1"
    assert oldest(backup(9), backup(2, level="decode"), policy=strictest).removed is False
    assert oldest(backup(9), backup(2), policy=strictest).removed is True


@pytest.mark.fault(45)
def test_a_backup_dated_in_the_future_is_kept_and_keeps_no_other_from_staying() -> None:
    ahead = backup(-2)
    first, *_rest, last = decide((backup(9), backup(2), ahead), WEEK, NOW)
    assert first.reason == "newer proven backups: 1 of 2"
    assert last.reason == "dated in the future (2026-11-30 12:00 UTC): check the clock"


@pytest.mark.fault(48)
@pytest.mark.parametrize("verdict", ["rolled_back", "failed_unchanged"])
def test_the_backup_of_a_failed_migration_is_kept_until_a_later_one_succeeds(verdict: str) -> None:
    proven = [backup(age, verdict="") for age in (3, 2, 1)]
    assert oldest(backup(9, verdict=verdict), *proven).reason == "its migration failed, and none has succeeded since"
    assert oldest(backup(9, verdict=verdict), *proven, backup(0.5)).removed is True


def test_the_rest_of_an_interrupted_removal_is_removed_at_any_age() -> None:
    assert oldest(backup(1, condition=Condition.PARTLY_REMOVED)).removed is True


def test_a_backup_is_kept_up_to_the_last_second_of_its_days() -> None:
    assert oldest(backup(7), *NEWER).reason == "7 days old, kept for 7 days"
    assert oldest(backup(7 + 1 / 86400), *NEWER).removed is True


@pytest.mark.parametrize("policy", [Policy(7, 0), Policy(7, -1), Policy(-1, 3), Policy(float("nan"), 3)])
def test_a_policy_that_keeps_nothing_is_refused(policy: Policy) -> None:
    with pytest.raises(BadRequest):
        policy.require_sound()


@pytest.mark.parametrize(("age", "told"), [(1, "1 day"), (0.5, "0.5 days"), (7, "7 days"), (43.4, "43 days")])
def test_an_age_is_told_in_days(age: float, told: str) -> None:
    assert days(timedelta(days=age)) == told
