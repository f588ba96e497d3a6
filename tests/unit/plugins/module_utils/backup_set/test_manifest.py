# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A manifest is read back as it was written, and with suspicion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import BackupFile, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    AS_RESTORED,
    MODES,
    SOURCE,
    Cluster,
    DatabaseProperties,
    Fingerprint,
    Identity,
    LargeObjects,
    TableState,
)
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
BY_NAME = st.dictionaries(TEXT, TEXT, max_size=3)
FILE = st.builds(
    BackupFile,
    name=st.from_regex(r"[a-z]{1,8}\.csv", fullmatch=True),
    kind=st.sampled_from(manifests.KINDS),
    size=st.integers(0, 2**63),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    description=TEXT,
    table=TEXT,
    rows=st.none() | st.integers(0),
    load=TEXT,
)
MANIFESTS = st.builds(
    Manifest,
    identity=st.builds(Identity, TEXT, st.integers(0), TEXT, st.integers(0)),
    files=st.lists(FILE, max_size=3, unique_by=lambda file: file.name).map(tuple),
    fingerprint=st.builds(
        Fingerprint,
        st.dictionaries(TEXT, st.builds(TableState, st.integers(0), TEXT, st.sampled_from(MODES)), max_size=3),
        BY_NAME,
        st.dictionaries(TEXT, st.dictionaries(TEXT, BY_NAME, max_size=2), max_size=2),
        st.builds(LargeObjects, st.sampled_from(MODES), BY_NAME),
        st.sampled_from([SOURCE, AS_RESTORED]),
        BY_NAME,
    ),
    properties=st.builds(
        DatabaseProperties,
        acl=st.none() | st.lists(st.tuples(TEXT, TEXT, st.booleans()), max_size=2).map(tuple),
        settings=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
        creation=BY_NAME,
    ),
    cluster=st.builds(
        Cluster,
        st.dictionaries(TEXT, BY_NAME, max_size=2),
        st.dictionaries(TEXT, TEXTS, max_size=2),
    ),
    left_out=BY_NAME,
    findings=st.dictionaries(TEXT, st.integers(0), max_size=2),
    compression=BY_NAME,
    warnings=TEXTS,
    losses=st.dictionaries(TEXT, TEXTS, max_size=2),
    seconds=st.dictionaries(TEXT, st.floats(0, allow_infinity=False), max_size=3),
    format_version=st.just(manifests.FORMAT_VERSION),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@given(MANIFESTS)
def test_a_manifest_is_read_back_as_it_was_written(written: Manifest) -> None:
    read = manifests.from_json(manifests.to_json(written), "m")
    assert read == written
    # neither counts when two fingerprints are compared
    assert (read.fingerprint.generation, read.fingerprint.reported) == (
        written.fingerprint.generation,
        written.fingerprint.reported,
    )


def _places(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a JSON document."""
    yield path
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        yield from _places(value, (*path, key))


PLAIN = json.loads(manifests.to_json(MANIFEST))


@given(st.sampled_from([path for path in _places(PLAIN) if path]), JSON)
def test_a_garbled_manifest_is_refused_and_never_an_accident(path: tuple[Any, ...], garbage: Any) -> None:
    document = json.loads(json.dumps(PLAIN))
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = garbage
    with suppress(NotABackup):
        assert isinstance(manifests.from_json(json.dumps(document), "m"), Manifest)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"rows": 3\n', '"rows": 1e999\n'),
        ('"mode": "full"', '"mode": "by halves"'),
        ('"generation": "source"', '"generation": "third"'),
        ('"kind": "dump"', '"kind": []'),
        ('"size": 2048', '"size": "2"'),
    ],
)
def test_a_value_that_is_not_what_it_has_to_be_is_refused(before: str, after: str) -> None:
    text = manifests.to_json(MANIFEST)
    assert before in text
    with pytest.raises(NotABackup, match="lacks or garbles"):
        manifests.from_json(text.replace(before, after), "m")


@pytest.mark.parametrize("key", sorted(set(PLAIN) - {"format_version"}))
def test_a_manifest_that_lacks_a_part_is_refused(key: str) -> None:
    document = {name: value for name, value in PLAIN.items() if name != key}
    with pytest.raises(NotABackup, match="lacks or garbles"):
        manifests.from_json(json.dumps(document), "m")


@given(st.integers(0, len(manifests.to_json(MANIFEST)) - 2))
def test_a_manifest_that_was_cut_is_refused(size: int) -> None:
    with pytest.raises(NotABackup):
        manifests.from_json(manifests.to_json(MANIFEST)[:size], "m")


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"format_version": "2.0"}', '{"format_version": 1.0}'])
def test_another_format_version_is_refused(text: str) -> None:
    with pytest.raises(NotABackup, match="has the format version"):
        manifests.from_json(text, "m")


def test_a_key_that_occurs_twice_is_refused() -> None:
    text = manifests.to_json(MANIFEST).replace('"run_id"', '"run_id": "another",\n  "run_id"')
    with pytest.raises(NotABackup, match="a key occurs twice: 'run_id'"):
        manifests.from_json(text, "m")


def test_json_without_a_bottom_is_refused() -> None:
    with pytest.raises(NotABackup, match="not valid JSON"):
        manifests.from_json("[" * 100_000, "m")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a\\b", "a\nb", "-rf"])
def test_a_file_outside_the_directory_is_refused(name: str) -> None:
    document = replace(MANIFEST, files=(replace(MANIFEST.files[0], name=name),))
    with pytest.raises(NotABackup, match="names a file outside its directory"):
        manifests.from_json(manifests.to_json(document), "m")


@pytest.mark.parametrize("name", ["full_backup.sql.gz", manifests.MANIFEST, manifests.CHECKSUMS])
def test_a_file_that_is_named_twice_is_refused(name: str) -> None:
    document = replace(MANIFEST, files=(replace(MANIFEST.files[0], name=name), *MANIFEST.files[1:]))
    with pytest.raises(NotABackup, match="names a file twice"):
        manifests.from_json(manifests.to_json(document), "m")


def test_a_file_of_an_unknown_kind_is_refused() -> None:
    document = replace(MANIFEST, files=(replace(MANIFEST.files[0], kind="virus"),))
    with pytest.raises(NotABackup, match="unknown kind: virus"):
        manifests.from_json(manifests.to_json(document), "m")


def test_a_directory_without_a_manifest_or_with_a_link_to_one_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match=r"no manifest\.json, which is written last"):
        manifests.read(tmp_path)
    (tmp_path / "elsewhere").write_text(manifests.to_json(MANIFEST))
    (tmp_path / manifests.MANIFEST).symlink_to("elsewhere")
    with pytest.raises(NotABackup):
        manifests.read(tmp_path)


def test_a_directory_with_a_manifest_is_read(tmp_path: Path) -> None:
    (tmp_path / manifests.MANIFEST).write_text(manifests.to_json(MANIFEST))
    assert manifests.read(tmp_path) == MANIFEST
    assert len(manifests.digest_of(tmp_path)) == 64


def test_the_checksums_are_what_sha256sum_reads() -> None:
    lines = manifests.checksums(MANIFEST, "f" * 64).splitlines()
    assert lines == sorted(lines, key=lambda line: line[66:])
    assert f"{'f' * 64}  manifest.json" in lines
    assert f"{'c' * 64}  members.csv" in lines
    assert len(lines) == len(MANIFEST.files) + 1


def test_the_parts_of_a_backup_are_found_by_their_kind() -> None:
    archive = MANIFEST.file("dump")
    assert archive is not None
    assert archive.name == manifests.ARCHIVE
    assert MANIFEST.file("globals") is None
    assert [file.table for file in MANIFEST.csv_files] == ["public.members", "public.meetings"]
    assert MANIFEST.bytes == 1_048_576 + 524_288 + 2048 + 1024
    assert MANIFEST.server_major == 15
