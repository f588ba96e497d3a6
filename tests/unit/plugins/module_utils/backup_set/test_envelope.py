# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be read of an encrypted copy is read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import envelope as envelopes
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.envelope import Envelope
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.files import Digest

FILES = {"full_backup.dump.age": Digest(12, "ab"), "manifest.json.age": Digest(30, "cd")}
ENVELOPE = Envelope("20261116_143022", "2026-11-16T14:30:22Z", "app ä", "ef", ("age1x", "age1y"), FILES)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / manifests.ENVELOPE).write_text(envelopes.to_json(ENVELOPE))
    assert envelopes.read(tmp_path) == ENVELOPE
    assert ENVELOPE.bytes == 42


@pytest.mark.parametrize(
    "changed",
    [
        {"files": {"../manifest.json.age": {"size": 1, "sha256": ""}}},
        {"files": {"manifest.json": {"size": 1, "sha256": ""}}},
        {"files": {"a.age": {"size": "many", "sha256": ""}}},
        {"files": []},
        {"recipients": None},
        {"format_version": "2.0"},
    ],
    ids=["outside", "plain", "no size", "no files", "no recipients", "later release"],
)
def test_what_it_cannot_say_makes_it_no_backup(changed: dict[str, Any]) -> None:
    data = {**json.loads(envelopes.to_json(ENVELOPE)), **changed}
    with pytest.raises(NotABackup, match="here"):
        envelopes.from_json(json.dumps(data), "here")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"run_id": "a", "run_id": "b"}'])
def test_what_is_something_else_is_no_backup(text: str) -> None:
    with pytest.raises(NotABackup, match="does not describe an encrypted copy"):
        envelopes.from_json(text, "here")


def test_an_encrypted_copy_is_told_from_a_backup_by_the_way_to_fetch_it(tmp_path: Path) -> None:
    (tmp_path / manifests.ENVELOPE).write_text(envelopes.to_json(ENVELOPE))
    with pytest.raises(NotABackup, match="is an encrypted copy") as raised:
        manifests.read(tmp_path)
    assert "pg_migrate_age_identity" in raised.value.remedy
    assert manifests.is_sealed(tmp_path)
