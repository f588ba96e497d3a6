# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies in an object store, verified where they are: every object is read, and every finding is reported at once."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import places, store_verify
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.places import CopyRequest, NotCopied, Place
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.store_verify import StoreVerifyRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.claim import CLAIM
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import (
    ARCHIVE,
    CHECKSUMS,
    ENVELOPE,
    GLOBALS,
    MANIFEST,
    MANIFEST_TEXT,
    SCRIPT,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import object_store
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.object_store import Store
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import remote
from ansible_collections.pgsafe.migration.tests.server.copies import directory, under
from ansible_collections.pgsafe.migration.tests.server.object_server import ACCESS, SECRET, ObjectServer, serving
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, write_set

RECIPIENT = str(pyrage.x25519.Identity.generate().to_public())

Change = Callable[[bytes], bytes]


def copied(backup: Path, store: Store, *recipients: str) -> None:
    places.run(CopyRequest(backup, (Place(Path(), store=store.address, recipients=recipients),)))


def request(backup: Path, store: Store, level: str = "checksum") -> StoreVerifyRequest:
    return StoreVerifyRequest(store.address, f"{store.address.url}/{under(backup)}", level, fail=True)


def verified(backup: Path, store: Store) -> list[str]:
    found = store_verify.run(request(backup, store))
    assert found.reached == ("" if found.findings else "checksum")
    return sorted(finding.as_text() for finding in found.findings)


def change(store: Store, backup: Path, name: str, by: Change) -> None:
    store.put(f"{under(backup)}/{name}", by(store.read(f"{under(backup)}/{name}")))


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def cut(content: bytes) -> bytes:
    return content[:-1]


def proven(store: Store) -> bool:
    (listed,) = remote.all_of(store)
    return listed.proven


def test_a_whole_copy_is_verified_where_it_is_plain_and_encrypted(backup: Path, store: Store) -> None:
    copied(backup, store)
    before = {name: store.read(name) for name in store.objects()}
    assert verified(backup, store) == []
    # Each object is written as it was, and no other one.
    assert {name: store.read(name) for name in store.objects()} == before
    sealed = Store(replace(store.address, url=f"{store.address.url}/sealed"))
    copied(backup, sealed, RECIPIENT)
    found = store_verify.run(request(backup, sealed))
    assert (found.reached, found.findings) == ("checksum", ())
    assert "is encrypted" in found.notes[0]
    assert f"{SCRIPT}.age" in " ".join(found.steps)
    assert proven(sealed)


@pytest.mark.fault(47)
def test_all_that_is_wrong_with_a_copy_is_found_at_once_and_it_counts_as_proven_no_more(
    backup: Path, store: Store
) -> None:
    copied(backup, store)
    change(store, backup, ARCHIVE, flipped)
    change(store, backup, CHECKSUMS, flipped)
    assert proven(store)
    assert verified(backup, store) == sorted(
        [
            f"{ARCHIVE}: has another SHA-256 than the manifest",
            f"{CHECKSUMS}: does not agree with the manifest",
        ]
    )
    # Nothing but their content had changed, so that was not known before.
    assert not proven(store)
    script = next(file for file in manifests.read(backup).files if file.name == SCRIPT)
    change(store, backup, SCRIPT, cut)
    store.delete(f"{under(backup)}/{GLOBALS}")
    store.put(f"{under(backup)}/holiday.jpg", b"x")
    assert verified(backup, store) == sorted(
        [
            f"{ARCHIVE}: has another SHA-256 than the manifest",
            f"{SCRIPT}: has {script.size - 1:,} bytes instead of {script.size:,}",
            f"{CHECKSUMS}: does not agree with the manifest",
            f"{GLOBALS}: is missing",
            "holiday.jpg: does not belong to this backup",
        ]
    )
    with pytest.raises(NotCopied, match=f"{GLOBALS}: is missing; {ARCHIVE}: has another SHA-256"):
        copied(backup, store)


def test_a_second_copy_to_a_place_that_was_repaired_gives_the_proof_back(backup: Path, store: Store) -> None:
    copied(backup, store)
    change(store, backup, ARCHIVE, flipped)
    assert verified(backup, store)
    change(store, backup, ARCHIVE, flipped)
    assert (verified(backup, store), proven(store)) == ([], False)
    copied(backup, store)
    assert proven(store)


@pytest.mark.fault(47)
def test_all_that_is_wrong_with_an_encrypted_copy_is_found_without_a_key(backup: Path, store: Store) -> None:
    copied(backup, store, RECIPIENT)
    change(store, backup, f"{ARCHIVE}.age", flipped)
    change(store, backup, f"{MANIFEST}.age", cut)
    store.delete(f"{under(backup)}/{SCRIPT}.age")
    store.put(f"{under(backup)}/{SCRIPT}", b"x")
    size = len(store.read(f"{under(backup)}/{MANIFEST}.age"))
    assert verified(backup, store) == sorted(
        [
            f"{ARCHIVE}.age: has another SHA-256 than {ENVELOPE}",
            f"{SCRIPT}.age: is missing",
            f"{SCRIPT}: does not belong to this backup",
            f"{MANIFEST}.age: has {size:,} bytes instead of {size + 1:,}",
        ]
    )


@pytest.mark.parametrize("damage", [flipped, cut, lambda _content: b"\xff"], ids=["flipped", "cut", "no text"])
def test_where_the_manifest_is_damaged_the_claim_tells_what_else_is(
    backup: Path, store: Store, damage: Change
) -> None:
    copied(backup, store)
    change(store, backup, MANIFEST, damage)
    change(store, backup, MANIFEST_TEXT, flipped)
    store.delete(f"{under(backup)}/{GLOBALS}")
    store.put(f"{under(backup)}/holiday.jpg", b"x")
    assert verified(backup, store) == sorted(
        [
            f"{GLOBALS}: is missing",
            "holiday.jpg: does not belong to this backup",
            f"{MANIFEST}: {store.address.of(f'{under(backup)}/{MANIFEST}')} is not the manifest that was copied.",
            f"{MANIFEST_TEXT}: has another SHA-256 than {CLAIM}",
        ]
    )


def test_a_damaged_envelope_and_a_claim_that_is_damaged_or_lost_are_findings(backup: Path, store: Store) -> None:
    sealed = Store(replace(store.address, url=f"{store.address.url}/sealed"))
    copied(backup, sealed, RECIPIENT)
    change(sealed, backup, ENVELOPE, lambda _content: b"\xff")
    assert "is no text" in verified(backup, sealed)[0]
    copied(backup, store)
    change(store, backup, ARCHIVE, flipped)
    change(store, backup, CLAIM, lambda content: content[:-9])
    garbled, *others = verified(backup, store)
    assert f"{store.address.of(f'{under(backup)}/{CLAIM}')} is no claim of a copy" in garbled
    assert others == [f"{ARCHIVE}: has another SHA-256 than the manifest"]
    store.delete(f"{under(backup)}/{CLAIM}")
    assert verified(backup, store) == [f"{CLAIM}: is missing", f"{ARCHIVE}: has another SHA-256 than the manifest"]
    # And it is not made anew.
    assert f"{under(backup)}/{CLAIM}" not in store.objects()


def test_a_store_that_goes_away_midway_says_nothing_of_the_copy_but_what_was_found_until_then(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_ATTEMPTS", 1)
    with serving(tmp_path) as objects:
        objects.client().create_bucket(Bucket="midway")
        store = Store(objects.address("midway"))
        copied(backup, store)
        store.put(f"{under(backup)}/holiday.jpg", b"x")
        objects.fail({"method": "GET", "path": SCRIPT, "kill": objects.pid})
        with pytest.raises(FileFailed, match="could not be read") as raised:
            store_verify.run(request(backup, store))
    assert "whether the target reaches the store" in raised.value.remedy
    assert "Not every object was compared" in raised.value.state
    assert "holiday.jpg: does not belong to this backup" in raised.value.state


@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied"])
def test_a_store_that_refuses_midway_takes_no_proof_from_the_copy(
    backup: Path, store: Store, objects: ObjectServer, code: str
) -> None:
    copied(backup, store)
    change(store, backup, ARCHIVE, flipped)
    objects.fail({"method": "GET", "path": SCRIPT, "code": code})
    with pytest.raises(FileFailed, match=code) as raised:
        store_verify.run(request(backup, store))
    assert SECRET not in str(raised.value)
    assert f"{ARCHIVE}: has another SHA-256" in raised.value.state
    assert proven(store)


def test_an_archived_object_is_a_finding_and_the_others_are_read(
    backup: Path, store: Store, objects: ObjectServer
) -> None:
    copied(backup, store)
    change(store, backup, SCRIPT, flipped)
    objects.fail({"method": "GET", "path": ARCHIVE, "code": "InvalidObjectState"})
    archived, altered = verified(backup, store)
    assert "InvalidObjectState" in archived
    assert altered == f"{SCRIPT}: has another SHA-256 than the manifest"


def test_a_finding_that_cannot_be_recorded_says_so(backup: Path, store: Store, objects: ObjectServer) -> None:
    copied(backup, store)
    change(store, backup, SCRIPT, flipped)
    objects.fail({"method": "PUT", "code": "AccessDenied"})
    unrecorded, altered = verified(backup, store)
    assert unrecorded.startswith(f"{CLAIM}: still says that the copy is proven")
    assert altered.startswith(SCRIPT)


def test_a_copy_that_is_removed_while_it_is_verified_is_not_called_damaged(
    backup: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(backup, store)
    digest_of = Store.digest_of

    def removing(self: Store, name: str) -> Any:
        for of in (MANIFEST, SCRIPT, CLAIM):
            store.delete(f"{under(backup)}/{of}")
        return digest_of(self, name)

    monkeypatch.setattr(Store, "digest_of", removing)
    with pytest.raises(NotABackup, match="was removed while it was verified"):
        store_verify.run(request(backup, store))
    assert f"{under(backup)}/{CLAIM}" not in store.objects()


def test_a_copy_without_a_manifest_is_no_backup_and_another_level_is_refused_with_what_to_do(
    backup: Path, store: Store
) -> None:
    for asked in (store_verify.plan, store_verify.run):
        with pytest.raises(NotABackup, match="is no complete backup"):
            asked(request(backup, store))
        with pytest.raises(Refused, match="only the level checksum") as raised:
            asked(request(backup, store, "decode"))
        assert f"pgsafe.migration.fetch -e pg_migrate_store={store.address.url} " in raised.value.remedy


def test_an_object_is_read_in_bounded_memory(store: Store) -> None:
    size = 48 << 20
    store.put("large", os.urandom(size))
    tracemalloc.start()
    try:
        assert store.digest_of("large")[0] == size
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 << 20


def test_the_playbook_verifies_the_newest_copy_of_a_store_and_names_what_is_damaged(
    ansible: Ansible, database: Database, backup: Path, store: Store, objects: ObjectServer, tmp_path: Path
) -> None:
    copied(backup, store)
    url, location = store.address.url, f"{store.address.url}/{under(backup)}"
    place = {"url": url, "endpoint_url": objects.endpoint, "region": "us-east-1"}
    variables = database.variables(backup.parent.parent, write_set(ansible.home / "set", GOOD))
    there = {"pg_migrate_store": url, "pg_migrate_copy_to": [{**place, "access_key": ACCESS, "secret_key": SECRET}]}

    def played(playbook: str, *arguments: str, **given: Any) -> Any:
        host = {**variables, **there, **given}
        done = ansible.play({"one": host}, *arguments, playbook=f"pgsafe.migration.{playbook}")
        assert SECRET not in done.output
        return done

    level = {"pg_migrate_level": "checksum"}
    whole = played("verify", "-vvv", **level)
    assert whole.status == 0, whole.output
    assert "Backup integrity verified: level checksum" in whole.flat
    assert "would be verified to the level checksum" in played("verify", "--check", **level).flat
    refused = played("verify", pg_migrate_proof="scratch")
    assert refused.status == 2
    assert f"{location} is in an object store: only the level checksum can be verified there" in refused.flat
    assert "pgsafe.migration.fetch" in refused.flat
    change(store, backup, ARCHIVE, flipped)
    store.delete(f"{under(backup)}/{SCRIPT}")
    named = {"pg_migrate_backup_dir": location, **level}
    damaged = played("verify", **named)
    assert damaged.status == 2
    assert f"The backup {location} is not proven" in damaged.flat, damaged.output
    assert f"[✗] {ARCHIVE}: has another SHA-256 than the manifest" in damaged.flat
    assert f"[✗] {SCRIPT}: is missing" in damaged.flat
    fetched = played("fetch", "-e", json.dumps({"pg_migrate_fetch_to": str(directory(tmp_path, "fetched"))}))
    assert "There is no proven backup" in fetched.flat, fetched.output
