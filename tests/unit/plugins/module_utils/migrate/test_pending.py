# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is pending is what the history lacks, and a contradiction between the two is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import DEFAULT_SET, AppliedFile
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import pending
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.pending import Accepted, File, Listing

ONE, TWO, THREE = (File(f"{number}.sql", str(number) * 64) for number in (1, 2, 3))
VIEWS = File("views.sql", "v" * 64, repeatable=True)


def applied(*files: File, set_name: str = DEFAULT_SET) -> list[AppliedFile]:
    return [
        AppliedFile(set_name, file.name, "R", "applied", file.sha256, place, True, 0.1, "", "app", None)
        for place, file in enumerate(files, 1)
    ]


def changed(file: File) -> File:
    return replace(file, sha256="c" * 64)


def todo(files: tuple[File, ...], history: list[AppliedFile], **accepted: object) -> list[str]:
    found = pending.of(Listing(files), history, DEFAULT_SET, Accepted(**accepted))  # type: ignore[arg-type]
    return [file.name for file in found.files]


def test_only_what_the_history_lacks_is_pending() -> None:
    assert todo((ONE, TWO), []) == ["1.sql", "2.sql"]
    assert todo((ONE, TWO), applied(ONE)) == ["2.sql"]
    assert not pending.of(Listing((ONE, TWO)), applied(ONE, TWO), DEFAULT_SET, Accepted())


def test_a_repeatable_file_is_pending_when_it_has_changed_and_runs_last() -> None:
    assert todo((VIEWS, ONE), []) == ["1.sql", "views.sql"]
    assert todo((ONE, VIEWS), applied(ONE, VIEWS)) == []
    assert todo((ONE, changed(VIEWS)), applied(ONE, VIEWS)) == ["views.sql"]
    assert todo((ONE, VIEWS), [*applied(ONE, VIEWS), *applied(changed(VIEWS))]) == ["views.sql"]


@pytest.mark.parametrize(
    ("listing", "history", "what", "way_out"),
    [
        (Listing((changed(ONE),)), applied(ONE), r"1\.sql has changed since the run R applied it", "changed_files"),
        (Listing((TWO,)), applied(ONE, TWO), r"1\.sql, applied by the run R, is no longer in", "pg_migrate_set_name"),
        (Listing((ONE, TWO)), applied(TWO), r"1\.sql is pending, but comes before 2\.sql", "out_of_order"),
        (Listing((File("x", ONE.sha256),)), applied(ONE), r"x was applied as 1\.sql by the run R", "1.sql"),
        (Listing((ONE,)), applied(ONE, set_name="shop"), "as a file of the set shop", "pg_migrate_set_name: shop"),
    ],
)
def test_a_contradiction_is_refused_with_its_way_out(
    listing: Listing, history: list[AppliedFile], what: str, way_out: str
) -> None:
    with pytest.raises(Refused, match=what) as refused:
        pending.of(listing, history, DEFAULT_SET, Accepted())
    assert way_out in refused.value.remedy


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        pending.of(Listing((changed(TWO), THREE)), applied(ONE, TWO), DEFAULT_SET, Accepted())
    _intro, first, second = refused.value.what.split("\n- ")
    assert first.startswith("2.sql has changed ")
    assert second == "1.sql, applied by the run R, is no longer in the set"


def test_what_a_person_takes_upon_himself_goes_on() -> None:
    assert todo((changed(ONE), TWO), applied(ONE), changed={"1.sql": "a remark"}) == ["2.sql"]
    assert todo((changed(ONE), TWO), applied(ONE), again={"1.sql": "it was wrong"}) == ["1.sql", "2.sql"]
    assert todo((ONE, TWO), applied(TWO), out_of_order=True) == ["1.sql"]
    assert todo((ONE, TWO, THREE), [], baseline="2.sql") == ["3.sql"]


def test_a_part_of_the_files_and_another_application_miss_none() -> None:
    part = Listing((TWO,), ("1.sql",))
    assert [file.name for file in pending.of(part, applied(ONE), DEFAULT_SET, Accepted()).files] == ["2.sql"]
    single = Listing((TWO,), whole=False)
    assert [file.name for file in pending.of(single, applied(ONE), DEFAULT_SET, Accepted()).files] == ["2.sql"]
    both = [*applied(ONE), *applied(TWO, set_name="shop")]
    assert not pending.of(Listing((ONE,)), both, DEFAULT_SET, Accepted())


@pytest.mark.parametrize(
    ("accepted", "why"),
    [
        (Accepted(changed={"9.sql": "why"}), "pg_migrate_history.changed_files names 9.sql"),
        (Accepted(again={"9.sql": "why"}), "pg_migrate_history.apply_again names 9.sql"),
        (Accepted(changed={"1.sql": " "}), "no reason for 1.sql"),
        (Accepted(baseline="9.sql"), "pg_migrate_baseline names 9.sql"),
        (Accepted(baseline="views.sql"), "pg_migrate_baseline names views.sql"),
    ],
)
def test_an_exception_for_no_file_or_without_a_reason_is_refused(accepted: Accepted, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        pending.of(Listing((ONE, VIEWS)), [], DEFAULT_SET, accepted)


def test_a_baseline_is_set_once() -> None:
    listing = Listing((ONE, TWO))
    assert pending.of(listing, [], DEFAULT_SET, Accepted(baseline="1.sql")).baseline == (ONE,)
    assert not pending.of(listing, applied(ONE, TWO), DEFAULT_SET, Accepted(baseline="2.sql"))
    with pytest.raises(Refused, match="has a history of this set already, of 1 files"):
        pending.of(listing, applied(ONE), DEFAULT_SET, Accepted(baseline="2.sql"))
