# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup will be, by the last one as long as that tells, else by a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import backup_forecast
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.backup_forecast import Asked, Last
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.sampling import Part, Sample, TableText
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST, MIB

LABELS = tuple(MANIFEST.fingerprint.tables)
ASKED = Asked(("*",), "gzip", 2)
SAMPLE = Sample({"public.a": TableText(10 * MIB, 2 * MIB), "public.b": TableText(MIB, MIB)}, float(MIB), ())


@pytest.mark.parametrize(
    ("growth", "labels", "asked"),
    [
        (0.79, LABELS, ASKED),
        (1.26, LABELS, ASKED),
        (1.0, (*LABELS, "public.new"), ASKED),
        (1.0, LABELS, Asked(("members",), "gzip", 2)),
        (1.0, LABELS, Asked(("*",), "zstd", 2)),
    ],
    ids=["shrunk", "grown", "another table", "fewer CSVs", "another compression"],
)
def test_the_last_backup_does_not_tell_of_another_size_or_kind(
    growth: float, labels: Sequence[str], asked: Asked
) -> None:
    assert backup_forecast.by_last(Last(MANIFEST, 60.0), int(MANIFEST.database_bytes * growth), labels, asked) is None


def test_the_last_backup_is_scaled_by_the_size_of_the_database() -> None:
    found = backup_forecast.by_last(Last(MANIFEST, 60.0), MANIFEST.database_bytes * 6 // 5, LABELS, ASKED)
    assert found is not None
    assert found.size.archive_bytes == pytest.approx(1_048_576 * 1.2, rel=1e-6)
    assert found.size.csv_bytes == pytest.approx(3072 * 1.2, abs=1)
    assert found.seconds == pytest.approx(72.0, rel=1e-6)


def test_a_backup_that_was_never_proven_tells_no_time() -> None:
    found = backup_forecast.by_last(Last(MANIFEST, None), MANIFEST.database_bytes, LABELS, ASKED)
    assert found is not None
    assert found.seconds is None


@pytest.mark.parametrize(("method", "archive"), [("gzip", 3.0), ("zstd", 3.0), ("lz4", 4.8), ("none", 11.0)])
def test_by_a_sample_the_method_decides_the_archive_and_the_script_is_always_gzip(method: str, archive: float) -> None:
    size = backup_forecast.by_sample(SAMPLE, 0, Asked(("a",), method, 2)).size
    assert size.archive_bytes == pytest.approx(archive * MIB, rel=1e-6)
    assert (size.script_bytes, size.csv_bytes) == (3 * MIB, 10 * MIB)
    assert size.bytes > size.archive_bytes + size.script_bytes + size.csv_bytes


def test_large_objects_count_as_if_nothing_compressed_them() -> None:
    without, with_them = (backup_forecast.by_sample(SAMPLE, count, ASKED).size for count in (0, 4 * MIB))
    assert with_them.archive_bytes - without.archive_bytes == 4 * MIB
    assert with_them.script_bytes - without.script_bytes == 5 * MIB
    assert with_them.csv_bytes == without.csv_bytes


def test_more_jobs_than_two_are_not_believed_to_help() -> None:
    one, two, eight = (backup_forecast.by_sample(SAMPLE, 0, replace(ASKED, jobs=jobs)).seconds for jobs in (1, 2, 8))
    assert (one or 0) > (two or 0)
    assert two == eight


def test_what_could_not_be_read_has_no_speed_and_says_what_it_rests_on() -> None:
    found = backup_forecast.by_sample(Sample({"*": TableText(5, 5)}, 0.0, ("t",)), 0, ASKED)
    assert (found.seconds, found.size.basis, found.unread) == (None, "table_sizes", ("t",))


def test_the_parts_of_a_partitioned_table_are_one_and_the_largest_come_first() -> None:
    parts = [Part(label, "s", label, (), size, 1) for label, size in (("a", 1), ("b", 5), ("a", 7))]
    assert list(backup_forecast.largest(parts, 1).items()) == [("a", 8)]
