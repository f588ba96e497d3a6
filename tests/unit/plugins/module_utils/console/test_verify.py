# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup. A tick only for what was done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.console import verify as console
from ansible_collections.pgsafe.migration.plugins.module_utils.model import TableState
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.findings import BackupProof, Finding
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    MANIFEST,
)


def test_a_backup_that_is_proven_shows_its_level_and_checksum() -> None:
    lines = console.verify(BackupProof("restore", (), {"checksum": 0.1, "restore": 4.2}, MANIFEST))
    assert lines == [
        "[✓] Backup integrity verified: level restore (checksum 0.1 s, restore 4.2 s)",
        "[✓] The restored copy is equal (fingerprint: full)",
        f"[✓] Backup checksum: {'a' * 16}...",
    ]


@pytest.mark.parametrize(
    ("mode", "promise"), [("sampled", "equal as far as sampled"), ("counts", "equal in the number of rows")]
)
def test_a_proof_by_less_than_every_row_says_so(mode: str, promise: str) -> None:
    state = TableState(3, "", mode)
    less = replace(MANIFEST, fingerprint=replace(MANIFEST.fingerprint, tables={"public.members": state}))
    proven = console.verify(BackupProof("restore", (), {}, less))
    assert f"[✓] The restored copy is {promise} (fingerprint: {mode})" in proven
    assert not [line for line in console.verify(BackupProof("decode", (), {}, less)) if promise in line]


def test_a_backup_that_is_not_proven_has_crosses_alone() -> None:
    lines = console.verify(BackupProof("checksum", (Finding("x.csv", "is missing"), Finding("", "so")), {}, MANIFEST))
    assert lines == ["[✗] x.csv: is missing", "[✗] so"]


def test_a_verification_that_is_only_foreseen_has_no_tick() -> None:
    assert console.verify_foreseen("restore") == ["[ ] The backup would be verified to the level restore"]
