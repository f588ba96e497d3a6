# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Damaging a backup, by accident and on purpose, and what a verification says of it.

An accident alters a file. An inside job alters it and then makes every checksum, and every text that is made of the
manifest, agree with it; all that is left to give it away is the content.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import text as report
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.files import sha256_of, sha256_of_text
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import findings
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.support import Database, databases
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

STALL_SECONDS = 30.0
"""For a pg_restore that a damaged archive has sent round in circles."""

Facts = dict[str, Any]


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def flip_at(path: Path, position: float) -> None:
    """Flip one bit at a fraction of the file."""
    flip(path, int((path.stat().st_size - 1) * position) * 8)


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the text of a file; of a compressed one, the text inside."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))
    else:
        path.write_bytes(change(path.read_bytes()))


def seal(directory: Path, edit: Callable[[Facts], object] = lambda _facts: None, render: bool = True) -> None:
    """Make the manifest, manifest.txt and SHA256SUMS agree with what the files are now.

    :param render: write manifest.txt anew, instead of vouching for the one that is there.
    """
    facts = json.loads((directory / manifest.MANIFEST).read_text())
    _sign(directory, facts)
    edit(facts)
    if render:
        forged = manifest.from_json(json.dumps(facts), manifest.MANIFEST)
        others = tuple(file for file in forged.files if file.kind != "manifest")
        (directory / manifest.MANIFEST_TEXT).write_text(report.manifest(replace(forged, files=others)))
        text_entry = [entry for entry in facts["files"] if entry["name"] == manifest.MANIFEST_TEXT]
        _sign(directory, {"files": text_entry})
    text = json.dumps(facts)
    (directory / manifest.MANIFEST).write_text(text)
    listed = manifest.from_json(text, manifest.MANIFEST)
    (directory / manifest.CHECKSUMS).write_text(manifest.checksums(listed, sha256_of_text(text)))


def _sign(directory: Path, facts: Facts) -> None:
    for entry in facts["files"]:
        digest = sha256_of(directory / entry["name"])
        entry["size"], entry["sha256"] = digest.size, digest.sha256


def verified(database: Database, directory: Path, level: str = "restore", **options: Any) -> findings.BackupProof:
    """As one who trusts its SQL: what is forged is of unknown origin."""
    request = requests.verify(database.target, directory, level, stall_limit=STALL_SECONDS, trusted=True)
    return verify.run(replace(request, **options))


def found(database: Database, directory: Path, level: str = "restore", **options: Any) -> str:
    """What a verification finds, as one text; it must not leave a database behind."""
    around = databases(database.server)
    verdict = verified(database, directory, level, **options)
    assert databases(database.server) == around
    return f"{verdict.reached or 'none'}: " + "; ".join(finding.as_text() for finding in verdict.findings)
