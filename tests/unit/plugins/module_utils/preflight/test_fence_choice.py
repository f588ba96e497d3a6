# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind of fence by what the server can do, and by what was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import fence_choice
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import ClosedCopy
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.fence_choice import choose
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

CLONED, COPIED = ClosedCopy(cloned=True, seconds=1.2), ClosedCopy(seconds=4.0)


@pytest.mark.parametrize(
    ("asked", "proof", "copy", "most", "kind"),
    [
        ("auto", "auto", CLONED, 0.0, "closed+copied"),
        ("auto", "scratch", CLONED, 0.0, "closed+copied"),
        ("auto", "verified_copy", CLONED, 0.0, "read_only+closed"),
        ("auto", "auto", COPIED, 0.0, "read_only+closed"),
        ("auto", "auto", COPIED, 3.9, "read_only+closed"),
        ("auto", "auto", COPIED, 4.0, "closed+copied"),
        ("auto", "auto", ClosedCopy(why_not="no room"), 9.0, "read_only+closed"),
        ("connect", "auto", CLONED, 0.0, "connect"),
        ("closed+copied", "auto", COPIED, 0.0, "closed+copied"),
    ],
)
def test_a_clone_is_chosen_and_a_slower_copy_only_within_its_limit(
    asked: str, proof: str, copy: ClosedCopy, most: float, kind: str
) -> None:
    assert choose(asked, proof, copy, most).kind == kind


def test_the_reason_is_a_part_of_a_sentence() -> None:
    assert choose(fence_choice.AUTO, "auto", ClosedCopy(why_not="no room"), 0.0).reason.endswith(": no room")


def test_what_cannot_be_seen_to_be_cloned_is_copied_where_role_and_room_allow_it() -> None:
    unseen = replace(FACTS, data_filesystem=Filesystem("/nowhere", None, None))
    found = fence_choice.look(unseen, 100, in_one_place=True)
    assert (found.why_not, found.cloned, found.seconds) == ("", False, 1.0 + FACTS.wanted.bytes / 60e6)
    full = replace(FACTS, data_filesystem=Filesystem("/nowhere", 1, None))
    assert "1B free" in fence_choice.look(full, 100, in_one_place=True).why_not
    plain = replace(FACTS, role=replace(FACTS.role, superuser=False, createdb=True, owns_database=False))
    assert fence_choice.look(plain, 100, in_one_place=True).why_not.endswith("nor the owner with CREATEDB")
