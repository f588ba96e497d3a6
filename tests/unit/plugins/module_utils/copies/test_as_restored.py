# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fingerprint of a verified copy is read back as it was written, for the same backup only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import as_restored
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.model import AS_RESTORED
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

COPY = replace(MANIFEST.fingerprint, generation=AS_RESTORED)
DIGEST = "a" * 64


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert as_restored.read(tmp_path, DIGEST) is None
    as_restored.write(tmp_path, DIGEST, COPY)
    found = as_restored.read(tmp_path, DIGEST)
    assert found is not None
    assert (found, found.generation, found.reported) == (COPY, AS_RESTORED, COPY.reported)
    assert (tmp_path / as_restored.FILE).stat().st_mode & 0o777 == 0o600


def test_a_later_proof_takes_the_place_of_an_earlier_even_after_a_crash(tmp_path: Path) -> None:
    as_restored.write(tmp_path, DIGEST, COPY)
    (tmp_path / f"{as_restored.FILE}.partial").write_text("{")
    as_restored.write(tmp_path, DIGEST, replace(COPY, sequences={}))
    found = as_restored.read(tmp_path, DIGEST)
    assert found is not None
    assert found.sequences == {}
    assert [path.name for path in tmp_path.iterdir()] == [as_restored.FILE]


def test_one_of_the_source_is_never_kept_as_one_of_a_copy(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="none of a restored copy"):
        as_restored.write(tmp_path, DIGEST, MANIFEST.fingerprint)
    assert list(tmp_path.iterdir()) == []


def test_one_of_another_backup_is_refused(tmp_path: Path) -> None:
    as_restored.write(tmp_path, DIGEST, COPY)
    with pytest.raises(NotABackup, match="taken of another backup"):
        as_restored.read(tmp_path, "b" * 64)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"manifest_sha256": "x", "fingerprint": 3}'])
def test_one_that_is_cut_or_garbled_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / as_restored.FILE).write_text(text)
    with pytest.raises(NotABackup, match="lacks or garbles"):
        as_restored.read(tmp_path, DIGEST)


def test_one_of_the_wrong_generation_is_refused(tmp_path: Path) -> None:
    as_restored.write(tmp_path, DIGEST, COPY)
    path = tmp_path / as_restored.FILE
    kept = json.loads(path.read_text())
    kept["fingerprint"]["generation"] = "source"
    path.write_text(json.dumps(kept))
    with pytest.raises(NotABackup, match="taken of another backup"):
        as_restored.read(tmp_path, DIGEST)
