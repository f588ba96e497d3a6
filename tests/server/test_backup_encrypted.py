# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Encrypted copies of a real backup, in a directory and in a store: kept without a key, and fetched with one alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import fetch, places
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.fetch import FetchRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.places import (
    Copied,
    CopyRequest,
    NotCopied,
    Place,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.claim import CONTROL
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import ENVELOPE, MANIFEST
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    FileFailed,
    NotABackup,
    PgsafeError,
    Refused,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.object_store import Store
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import (
    prune,
    remote,
    remote_prune,
    rules,
    stored,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Policy
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition, StoredBackup
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.copies import (
    contents,
    dies,
    directory,
    python_without,
    under,
)
from ansible_collections.pgsafe.migration.tests.server.forgery import flip_at, verified
from ansible_collections.pgsafe.migration.tests.server.object_server import ACCESS, SECRET, ObjectServer
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, back_up, write_set
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

KEY, OTHER = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
RECIPIENT = str(KEY.to_public())
FOR_ALL = (RECIPIENT, str(OTHER.to_public()))


@dataclass(frozen=True)
class Spot:
    """A directory or a store that copies are made to, with what tests look at."""

    backup: Path
    place: Place

    @property
    def where(self) -> Path | Any:
        return self.place.store or self.place.path

    @property
    def store(self) -> Store | None:
        return Store(self.place.store) if self.place.store else None

    @property
    def under(self) -> str:
        return under(self.backup)

    def copied(self, *recipients: str, backup: Path | None = None) -> Copied:
        place = replace(self.place, recipients=recipients or FOR_ALL)
        return places.run(CopyRequest(backup or self.backup, (place,)))[0]

    def listed(self) -> tuple[StoredBackup, ...]:
        return remote.all_of(self.store) if self.store else stored.all_of(self.place.path)

    def contents(self) -> dict[str, bytes]:
        """Of all files of the copy but a log and what a store has instead of a journal."""
        if self.store:
            names = set(self.store.objects(self.under)) - set(CONTROL)
            return {name: self.store.read(f"{self.under}/{name}") for name in names}
        found = [path for path in (self.place.path / self.under).glob("*") if path.suffix != ".log"]
        return {path.name: path.read_bytes() for path in found}

    def replace(self, name: str, content: bytes) -> None:
        if self.store:
            self.store.put(f"{self.under}/{name}", content)
        else:
            (self.place.path / self.under / name).write_bytes(content)

    def everything(self) -> bytes:
        """All that can be read of it, in any file."""
        if self.store:
            return b"".join(self.store.read(name) for name in self.store.objects())
        return b"".join(path.read_bytes() for path in self.place.path.rglob("*") if path.is_file())

    def fetched(self, target: Path, identity: str = str(KEY)) -> Path:
        return fetch.run(FetchRequest(self.where, self.backup.parent.name, "", None, target, identity)).backup_dir

    def pruned(self) -> int:
        policy = Policy(7, 1)
        if self.place.store:
            request = remote_prune.RemotePruneRequest(self.place.store, "", policy)
            return len(remote_prune.run(request).removed)
        return len(prune.run(prune.PruneRequest(self.place.path, "", policy)).removed)


@pytest.fixture(params=["directory", "store"])
def spot(backup: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Spot:
    if request.param == "directory":
        return Spot(backup, Place(directory(tmp_path, "place")))
    return Spot(backup, Place(Path(), store=request.getfixturevalue("store").address))


def whole(spot: Spot) -> bool:
    """Whether there is a copy; one that does not decrypt to the backup fails the test."""
    found = spot.contents()
    if ENVELOPE in found:
        opened = {name[:-4]: pyrage.decrypt(data, [KEY]) for name, data in found.items() if name != ENVELOPE}
        assert opened == contents(spot.backup)
    return ENVELOPE in found


def test_an_encrypted_copy_is_listed_and_verified_without_a_key_and_fetched_with_either_of_two(
    database: Database, spot: Spot, tmp_path: Path
) -> None:
    (foreseen,) = places.plan(CopyRequest(spot.backup, (replace(spot.place, recipients=FOR_ALL),)))
    assert (foreseen.made, spot.contents()) == (True, {})
    assert spot.copied().made
    assert whole(spot)
    again = spot.copied()
    assert (again.made, again.problem) == (False, "")
    (listed,) = spot.listed()
    assert (listed.condition, listed.proven, listed.encrypted) == (Condition.COMPLETE, True, True)
    assert listed.database == database.name
    readable = spot.everything()
    digests = [file.sha256 for file in manifests.read(spot.backup).files]
    assert [digest for digest in digests if digest.encode() in readable] == []
    assert b'"fingerprint"' not in readable
    for number, key in enumerate((KEY, OTHER)):
        copy = spot.fetched(directory(tmp_path, f"fetched {number}"), f"# of a person\n{key}\n")
        assert contents(copy) == contents(spot.backup)
        assert stored.look(copy).proven
    assert verified(database, copy, "decode").findings == ()
    early = FetchRequest(spot.where, database.name, "", datetime.now(timezone.utc) - timedelta(days=1), tmp_path)
    with pytest.raises(NotABackup, match="no proven backup"):
        fetch.run(early)


def test_without_a_key_or_with_another_one_nothing_is_fetched(spot: Spot, tmp_path: Path) -> None:
    target = directory(tmp_path, "fetched")
    spot.copied(RECIPIENT)
    with pytest.raises(BadRequest, match="is encrypted, and no key is given") as raised:
        spot.fetched(target, "")
    assert RECIPIENT in raised.value.remedy
    with pytest.raises(FileFailed, match=r"manifest.json.age could not be decrypted: No matching keys found"):
        spot.fetched(target, str(OTHER))
    assert list(target.iterdir()) == []


def test_a_copy_of_the_other_form_or_for_other_recipients_is_named_and_left_alone(spot: Spot) -> None:
    spot.copied(RECIPIENT)
    before = spot.contents()
    with pytest.raises(NotCopied, match=f"is encrypted for other recipients: {RECIPIENT}"):
        spot.copied()
    with pytest.raises(NotCopied, match="was copied there encrypted"):
        places.run(CopyRequest(spot.backup, (spot.place,)))
    assert spot.contents() == before


def test_a_plain_copy_does_not_pass_for_an_encrypted_one(spot: Spot) -> None:
    places.run(CopyRequest(spot.backup, (spot.place,)))
    with pytest.raises(NotCopied, match="was copied there without encryption"):
        spot.copied()


def _cut(content: bytes) -> bytes:
    return content[:-40]


def _altered(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.fault(47)
@pytest.mark.parametrize("damage", [_cut, _altered])
def test_a_damaged_file_is_found_without_a_key_and_never_fetched(
    spot: Spot, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    spot.copied()
    for name in (f"{manifests.SCRIPT}.age", f"{MANIFEST}.age", f"{manifests.CHECKSUMS}.age"):
        before = spot.contents()[name]
        spot.replace(name, damage(before))
        with pytest.raises(NotCopied, match=f"damaged: {name}:? has"):
            spot.copied()
        target = directory(tmp_path, name)
        with pytest.raises(PgsafeError, match=f"{name}|no proven backup"):
            spot.fetched(target)
        assert not list(target.rglob(MANIFEST))
        spot.replace(name, before)
    assert spot.copied().problem == ""


def test_what_is_read_back_counts_and_a_source_that_was_damaged_is_not_copied(
    spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest_of, drop_cached = Store.digest_of, files.drop_cached

    def otherwise(self: Store, name: str) -> Any:
        found = digest_of(self, name)
        return (found[0], "0" * 64) if manifests.SCRIPT in name else found

    def corrupting(path: Path) -> None:
        drop_cached(path)
        if path.name.startswith(manifests.SCRIPT):
            flip_at(path, 0.5)

    monkeypatch.setattr(Store, "digest_of", otherwise)
    monkeypatch.setattr(files, "drop_cached", corrupting)
    with pytest.raises(NotCopied, match=f"{manifests.SCRIPT}.age differs from .* when it is read back"):
        spot.copied()
    assert spot.contents() == {}
    monkeypatch.undo()
    csv = next(spot.backup.glob("*.csv"))
    flip_at(csv, 0.5)
    with pytest.raises(NotCopied, match=f"{csv.name} has another SHA-256 than its backup was proven with"):
        spot.copied()
    assert spot.contents() == {}


def test_verify_reads_what_is_stored_and_asks_for_the_key_beyond_that(
    database: Database, backup: Path, tmp_path: Path
) -> None:
    spot = Spot(backup, Place(directory(tmp_path, "place")))
    copy = Path(spot.copied().location)
    request = requests.verify(database.target, copy)
    with pytest.raises(Refused, match="only the level checksum can be verified"):
        verify.plan(request)
    found = verify.run(replace(request, level="checksum"))
    assert (found.reached, found.findings) == ("checksum", ())
    assert "is encrypted" in found.notes[0]
    assert stored.look(copy).proven
    flip_at(copy / f"{manifests.SCRIPT}.age", 0.5)
    found = verify.run(replace(request, level="checksum"))
    assert [of.as_text() for of in found.findings] == [
        f"{manifests.SCRIPT}.age: has another SHA-256 than {ENVELOPE}"
    ]
    assert not stored.look(copy).proven


def test_retention_removes_an_old_encrypted_copy_by_its_rules(
    database: Database, spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = back_up(database, spot.backup.parent.parent).directory
    assert verified(database, newer, "restore").reached == "restore"
    spot.copied(backup=newer)
    spot.copied()
    assert spot.pruned() == 0
    later = datetime.now(timezone.utc) + timedelta(days=9)
    decide = rules.decide
    monkeypatch.setattr(rules, "decide", lambda found, policy, _now: decide(found, policy, later))
    assert spot.pruned() == 1
    assert (spot.contents(), [of.directory.name for of in spot.listed()]) == ({}, [newer.name])


# What changes a place.
STEPS = (
    *((os, name) for name in ("mkdir", "rename")),
    (Journal, "append"),
    *((Store, name) for name in ("put", "put_new", "send")),
)


@pytest.mark.fault(47)
def test_a_copy_and_a_fetch_that_are_killed_behind_any_step_are_whole_or_no_backup(
    spot: Spot, tmp_path: Path
) -> None:
    for behind in range(1, 300):
        dead = dies(spot.copied, STEPS, behind)
        found = [of.condition for of in spot.listed()]
        # Killed behind the last file and before the journal says so, it is whole, and waits for the next copy.
        assert found in ([[Condition.COMPLETE], [Condition.FOREIGN]] if whole(spot) else [[], [Condition.UNFINISHED]])
        assert spot.copied().problem == ""
        assert whole(spot)
        if not dead:
            break
        _empty(spot)
    assert 10 < behind < 299
    target = directory(tmp_path, "fetched")
    copy = target / spot.under
    for behind in range(1, 300, 7):
        dead = dies(lambda: spot.fetched(target), STEPS, behind)
        if (copy / MANIFEST).exists():
            assert contents(copy) == contents(spot.backup)
        assert contents(spot.fetched(target)) == contents(spot.backup)
        if not dead:
            break
        files.remove_tree(target / spot.backup.parent.name)
        files.remove_tree(target / ".runs")
    assert behind > 14


def _empty(spot: Spot) -> None:
    if spot.store:
        for name in spot.store.objects():
            spot.store.delete(name)
        return
    for path in spot.place.path.iterdir():
        files.remove_tree(path)


@pytest.mark.long
def test_a_run_encrypts_its_copies_and_a_person_with_the_key_restores_one(
    ansible: Ansible, database: Database, backup_root: Path, objects: ObjectServer, tmp_path: Path
) -> None:
    objects.client().create_bucket(Bucket="encrypted")
    objects.fail()
    target, fetch_to = directory(tmp_path, "place"), directory(tmp_path, "fetched")
    url, recipients = "s3://encrypted/db1", {"age_recipients": [RECIPIENT]}
    keys = {"endpoint_url": objects.endpoint, "region": "us-east-1", "access_key": ACCESS, "secret_key": SECRET}
    copy_to = [{"path": str(target), **recipients}, {"url": url, **keys, **recipients}]
    variables = database.variables(backup_root, write_set(ansible.home / "set", GOOD))
    identity = tmp_path / "identity.txt"
    identity.write_text(f"# of a person\n{KEY}\n")
    before = database.fingerprint()

    def played(playbook: str, *arguments: str, **given: Any) -> Any:
        host = {**variables, "pg_migrate_copy_to": copy_to, **given}
        done = ansible.play({"one": host}, *arguments, playbook=f"pgsafe.migration.{playbook}")
        assert str(KEY) not in done.output
        return done

    confirmed = ("-e", f"pg_migrate_confirm={database.name}")
    refused = played("migrate", *confirmed, **python_without("pyrage", tmp_path))
    assert "refused" in refused.verdict("one"), refused.output
    assert f"The copy of the backup at {url} cannot be encrypted: pyrage, which encrypts" in refused.flat
    assert database.fingerprint() == before
    done = played("migrate", *confirmed, "-vvv")
    assert done.verdict("one") == "migrated and verified", done.output
    root = {"pg_migrate_backup_root": str(target)}
    there = ("-e", json.dumps({"pg_migrate_store": url}))
    assert ", encrypted" in played("list", *there).flat
    checked = played("verify", "-e", "pg_migrate_level=checksum", **root)
    assert "Backup integrity verified: level checksum" in checked.flat, checked.output
    name = ("-e", f"pg_migrate_new_database={database.name}_old")
    to = ("-e", f"pg_migrate_fetch_to={fetch_to}")
    assert "is encrypted, and no key is given" in played("fetch", *to, **root).flat
    with_key = ("-e", f"pg_migrate_age_identity={identity}", "-vvv")
    fetching = played("fetch", *to, *with_key, **root)
    assert fetching.status == 0, fetching.output
    again = played("fetch", *to, *there, "-e", json.dumps({"pg_migrate_age_identity": str(KEY)}))
    assert "is there already, and whole" in again.flat, again.output
    restored = played("restore", *name, pg_migrate_backup_root=str(fetch_to))
    assert restored.status == 0, restored.output
    assert replace(database, name=f"{database.name}_old").sql("SELECT count(*) FROM customers") == "60"
    database.admin(f"DROP DATABASE {database.name}_old")
    written = [path for root in (backup_root, target, fetch_to) for path in root.rglob("*") if path.is_file()]
    assert not [path for path in written if str(KEY).encode() in path.read_bytes()]
