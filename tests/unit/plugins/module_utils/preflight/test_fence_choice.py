# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind of fence by what the server can do, by what was asked for, and by what is allowed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.prediction import Prediction
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import fence_choice, predictions
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import ClosedCopy, Obstacle
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.fence_choice import choose
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

BOTH, COPIED, FOLLOWED = "read_only+closed", "closed+copied", "followed+closed"
CLONE, SLOW, NO_ROOM = ClosedCopy(cloned=True, seconds=1.2), ClosedCopy(seconds=4.0), ClosedCopy(why_not="no room")
LACKING = Obstacle("error", "wal_level is replica", "Set it.")

KNOWN = predictions.Known(
    bytes=500_000_000,
    seconds=90.0,
    basis="the last backup",
    closed_copy=NO_ROOM,
    proof="auto",
    beside=True,
    obstacles=(),
    whole=False,
    jobs=2,
    thresholds=requests.THRESHOLDS,
)


def of(asked: str = "auto", most: float = 0.0, copying: float = 0.0, **known: object) -> fence_choice.Choice:
    limits = replace(KNOWN.thresholds, max_unavailable=most, copying=copying)
    found = predictions.of_fences(replace(KNOWN, thresholds=limits, **known))  # type: ignore[arg-type]
    return choose(asked, found, most)


# The copy of the files takes 2.2 or 5.0 s, the backup and its proof 90.5 s, the comparison with a copy 1.5 or 6.5 s.
@pytest.mark.parametrize("proof", ["auto", "scratch", "verified_copy"])
@pytest.mark.parametrize("obstacles", [None, (), (LACKING,)], ids=["not looked at", "can follow", "cannot follow"])
@pytest.mark.parametrize("whole", [False, True], ids=["changed blocks", "whole"])
@pytest.mark.parametrize("seconds", [None, 90.0], ids=["not measured", "90 s"])
@pytest.mark.parametrize("copy", [CLONE, SLOW, NO_ROOM], ids=["clone", "copy", "no copy"])
def test_the_first_fence_that_keeps_within_the_limits_is_chosen(
    proof: str, obstacles: tuple[Obstacle, ...] | None, whole: bool, seconds: float | None, copy: ClosedCopy
) -> None:
    beside = proof != "scratch"
    for most, copying in itertools.product([0.0, 1.0, 1.4, 1.6, 2.4, 5.5, 8.0, 91.0], [0.0, 3.9, 4.0]):
        may_copy = not copy.why_not and proof != "verified_copy" and (copy.cloned or copy.seconds <= copying)
        may_follow = obstacles == () and beside and most
        times = {
            COPIED: copy.seconds + 1.0 if may_copy else None,
            BOTH: seconds and seconds + 0.5,
            FOLLOWED: (6.5 if whole else 1.5) if may_follow else None,
        }
        within = [kind for kind, time in times.items() if time is not None and (not most or time <= most)]
        unknown = [BOTH] if seconds is None else []
        wanted = [*within, *unknown, *([COPIED] if may_copy else []), BOTH][0]
        found = of(
            most=most, copying=copying, proof=proof, obstacles=obstacles, beside=beside, whole=whole, seconds=seconds,
            closed_copy=copy,
        )
        assert found.kind == wanted, (most, copying)


@pytest.mark.parametrize("kind", [COPIED, BOTH, FOLLOWED, "connect", "closed", "none"])
def test_what_was_asked_for_is_never_replaced(kind: str) -> None:
    assert of(kind, most=0.1, closed_copy=CLONE) == fence_choice.Choice(kind, "as it was asked for")


def test_the_reason_says_why_each_earlier_fence_was_passed_over() -> None:
    assert of().reason == "not closed+copied: its files cannot be copied: no room"
    assert of(most=30.0).reason == (
        "not closed+copied: its files cannot be copied: no room; not read_only+closed: 1 min 30 s to 2 min 16 s "
        "without writes, where 30.0 s are allowed"
    )
    assert of(closed_copy=CLONE).reason.endswith("(files cloned, assumed rates)")


def test_an_estimate_that_nothing_was_measured_for_is_not_known_and_not_nothing() -> None:
    (found,) = [one for one in predictions.of_fences(replace(KNOWN, seconds=None)) if one.kind == BOTH]
    assert (found.without_writes, found.without_writes_most) == (None, None)
    assert found.told.startswith("not known without writes, about 0.5 s without service (no backup")


def test_a_comparison_that_would_be_given_up_is_not_chosen() -> None:
    slow = replace(KNOWN, bytes=7_000_000_000, whole=True, obstacles=(Obstacle("warning", "too slow", "Wait."),))
    found = predictions.of_fences(replace(slow, thresholds=replace(KNOWN.thresholds, max_unavailable=100.0)))
    (followed,) = [one for one in found if one.kind == FOLLOWED]
    assert (followed.why_not, followed.by_hand) == ("", "too slow (Wait)")


def test_every_kind_of_fence_has_one_prediction() -> None:
    found: list[Prediction] = list(predictions.of_fences(KNOWN))
    assert sorted(one.kind for one in found) == sorted([COPIED, BOTH, FOLLOWED, "connect", "closed", "none"])
    assert all(one.why_not or one.by_hand for one in found[3:]), "auto chooses none that loses writes"


def test_what_cannot_be_seen_to_be_cloned_is_copied_where_role_and_room_allow_it() -> None:
    unseen = replace(FACTS, data_filesystem=Filesystem("/nowhere", None, None))
    found = fence_choice.look(unseen, 100, in_one_place=True)
    assert (found.why_not, found.cloned, found.seconds) == ("", False, 1.0 + FACTS.wanted.bytes / 60e6)
    full = replace(FACTS, data_filesystem=Filesystem("/nowhere", 1, None))
    assert "1B free" in fence_choice.look(full, 100, in_one_place=True).why_not
    plain = replace(FACTS, role=replace(FACTS.role, superuser=False, createdb=True, owns_database=False))
    assert fence_choice.look(plain, 100, in_one_place=True).why_not.endswith("nor the owner with CREATEDB")
