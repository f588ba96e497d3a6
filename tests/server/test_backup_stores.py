# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a real backup in an object store: whole, or no backups; listed, pinned, fetched and removed there."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

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
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.claim import CLAIM, PINNED, REMOVING
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import MANIFEST
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    FileFailed,
    Interrupted,
    NotABackup,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.model import StoreAddress
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import object_store
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.object_store import Store
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import remote, remote_prune, rules, stored
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.prune import NotPruned, Pruned
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.remote_prune import (
    RemotePinRequest,
    RemotePruneRequest,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Policy
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition
from ansible_collections.pgsafe.migration.tests.server.copies import contents, directory, python_without, under
from ansible_collections.pgsafe.migration.tests.server.forgery import verified
from ansible_collections.pgsafe.migration.tests.server.object_server import ACCESS, SECRET, ObjectServer
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, back_up, write_set


def copied(backup: Path, store: Store | StoreAddress, required: bool = True) -> Copied:
    address = store.address if isinstance(store, Store) else store
    (done,) = places.run(CopyRequest(backup, (Place(Path(), required, address),)))
    return done


def whole(store: Store, backup: Path) -> bool:
    """Whether the store has every file of the backup; a manifest without one fails the test."""
    there = store.objects(under(backup))
    if MANIFEST in there:
        assert {name: store.read(f"{under(backup)}/{name}") for name in contents(backup)} == contents(backup)
    return MANIFEST in there


def fetched(store: Store, backup: Path, fetch_to: Path) -> Path:
    return fetch.run(FetchRequest(store.address, backup.parent.name, "", None, fetch_to)).backup_dir


def test_a_copy_is_listed_pinned_and_fetched_and_the_second_one_is_verified(
    database: Database, backup: Path, store: Store, tmp_path: Path
) -> None:
    foreseen = places.plan(CopyRequest(backup, (Place(Path(), True, store.address),)))[0]
    assert store.objects() == {}
    done = copied(backup.parent / "latest", store)
    assert (done.location, done.made, done.bytes) == (foreseen.location, foreseen.made, foreseen.bytes)
    assert done.location == f"{store.address.url}/{under(backup)}"
    assert whole(store, backup)
    assert (copied(backup, store).made, copied(backup, store).problem) == (False, "")
    (listed,) = remote.all_of(store)
    assert (listed.condition, listed.proven, listed.database) == (Condition.COMPLETE, True, database.name)
    assert remote.all_of(store, database.name) == (listed,)
    assert remote.all_of(store, "other") == ()
    pin = RemotePinRequest(store.address, done.location, "for the auditors")
    assert remote_prune.plan_pin(pin).changed
    assert [remote_prune.run_pin(pin).changed, remote_prune.run_pin(pin).changed] == [True, False]
    assert remote.all_of(store)[0].pinned == "for the auditors"
    remote_prune.run_pin(replace(pin, reason=""))
    assert remote.all_of(store)[0].pinned == ""
    shutil.rmtree(backup.parent.parent / ".runs")
    target = directory(tmp_path, "fetched")
    plan = fetch.plan(FetchRequest(store.address, "", done.location, None, target))
    assert (plan.made, list(target.iterdir())) == (True, [])
    copy = fetched(store, backup, target)
    assert (copy, contents(copy)) == (plan.backup_dir, contents(backup))
    assert stored.look(copy).proven
    assert verified(database, copy, "decode").findings == ()
    assert not fetch.run(FetchRequest(store.address, database.name, "", None, target)).made
    early = datetime.now(timezone.utc) - timedelta(days=1)
    with pytest.raises(NotABackup, match="no proven backup"):
        fetch.run(FetchRequest(store.address, database.name, "", early, target))


def _of_another_host(backup: Path, store: Store) -> None:
    """Give the store another backup of the same name, whose copy was interrupted behind its claim."""
    claim = {"manifest_sha256": "0" * 64, "level": "restore", "files": {}, "proof": {}}
    store.put(f"{under(backup)}/{CLAIM}", json.dumps(claim).encode())


def _foreign(backup: Path, store: Store) -> None:
    store.put(f"{under(backup)}/holiday.jpg", b"x")


@pytest.mark.fault(79)
@pytest.mark.parametrize(
    ("given", "said"), [(_of_another_host, "began in the same second"), (_foreign, "no copy made them")]
)
def test_what_another_host_or_a_person_has_put_there_is_left_alone(
    backup: Path, store: Store, given: Callable[[Path, Store], None], said: str
) -> None:
    given(backup, store)
    before = store.objects()
    with pytest.raises(NotCopied, match=said):
        copied(backup, store)
    assert store.objects() == before
    (pruned,) = remote_prune.run(RemotePruneRequest(store.address, "", Policy(0, 1))).decisions
    assert not pruned.removed
    assert store.objects() == before


def test_each_store_that_cannot_be_used_is_named_with_its_remedy(
    backup: Path, store: Store, objects: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "NoSuchBucket" in copied(backup, objects.address("missing"), required=False).problem
    monkeypatch.setattr(object_store, "_ATTEMPTS", 1)
    nowhere = replace(store.address, endpoint_url="http://127.0.0.1:9")
    assert "whether the target reaches the store" in copied(backup, nowhere, required=False).problem
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    done = copied(backup, store, required=False)
    assert f"{sys.executable} -m pip install boto3" in done.problem


@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied", "QuotaExceeded"])
def test_a_store_that_refuses_in_the_middle_has_no_backup_and_the_next_copy_is_whole(
    backup: Path, store: Store, objects: ObjectServer, code: str
) -> None:
    objects.fail({"method": "PUT", "path": "full_backup.sql", "code": code})
    with pytest.raises(NotCopied, match=code) as raised:
        copied(backup, store)
    assert store.objects() == {}
    assert SECRET not in str(raised.value)
    # As it is with credentials that have expired: what was written cannot be removed either.
    objects.fail(
        {"method": "PUT", "path": "full_backup.sql", "code": code}, {"method": "DELETE", "code": code, "times": 99}
    )
    with pytest.raises(NotCopied, match="An incomplete copy is left"):
        copied(backup, store)
    assert remote.all_of(store)[0].condition is Condition.UNFINISHED
    objects.fail()
    key = f"{store.address.prefix}/{under(backup)}/large"
    objects.client().create_multipart_upload(Bucket=store.address.bucket, Key=key)
    assert copied(backup, store).made
    assert whole(store, backup)
    assert store.uploads("") == {}


def test_what_is_read_back_counts_and_a_damaged_copy_is_never_written_over_nor_fetched(
    backup: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_file = Store.send_file

    def corrupting(self: Store, source: Path, name: str) -> None:
        send_file(self, source, name)
        if name.endswith(manifests.SCRIPT):
            self.put(name, source.read_bytes()[:-1] + b"x")

    monkeypatch.setattr(Store, "send_file", corrupting)
    with pytest.raises(NotCopied, match=f"{manifests.SCRIPT} differs from .* when it is read back"):
        copied(backup, store)
    assert store.objects() == {}
    monkeypatch.undo()
    copied(backup, store)
    name = f"{under(backup)}/{manifests.SCRIPT}"
    damaged = store.read(name)[:-1] + b"x"
    store.put(name, damaged)
    with pytest.raises(NotCopied, match=f"damaged: {manifests.SCRIPT}: has another SHA-256"):
        copied(backup, store)
    target = directory(tmp_path, "fetched")
    with pytest.raises(FileFailed, match=f"{manifests.SCRIPT} has another SHA-256"):
        fetched(store, backup, target)
    assert not list(target.rglob(MANIFEST))
    store.delete(name)
    assert remote.all_of(store)[0].condition is Condition.UNREADABLE
    assert store.objects(under(backup))


def test_large_files_go_in_parts_and_a_broken_connection_is_taken_up_where_it_broke_off(
    store: Store, objects: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "PART_BYTES", 5 << 20)
    large = tmp_path / "large"
    large.write_bytes(os.urandom(11 << 20))
    objects.fail({"method": "GET", "path": "large", "cut": True, "times": 1})
    store.send_file(large, "app/large")
    assert store.read("app/large") == large.read_bytes()
    objects.fail({"method": "PUT", "path": "partNumber=3", "code": "ExpiredToken"})
    with pytest.raises(FileFailed, match="ExpiredToken"):
        store.send_file(large, "app/other")
    assert (set(store.objects("app")), store.uploads("app")) == ({"large"}, {})


def _killed(work: Callable[[], object], objects: ObjectServer, behind: int) -> bool:
    """Work in a process that is killed behind so many of its requests; False when it came to its end before."""
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ready, 1)
        work()
        os._exit(0)
    # A read changes nothing.
    objects.fail({"method": "PUT POST DELETE", "kill": child, "behind": behind})
    os.write(go, b"x")
    os.close(go)
    os.close(ready)
    dead = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    objects.fail()
    return dead


@pytest.mark.fault(47)
def test_a_copy_that_is_killed_behind_any_step_is_whole_or_no_backup_and_the_next_one_finishes_it(
    backup: Path, store: Store, objects: ObjectServer
) -> None:
    for behind in range(99):
        dead = _killed(lambda: copied(backup, store), objects, behind)
        found = whole(store, backup)
        conditions = [of.condition for of in remote.all_of(store)]
        assert conditions == [Condition.COMPLETE if found else Condition.UNFINISHED]
        assert copied(backup, store).problem == ""
        assert whole(store, backup)
        if not dead:
            break
        _empty(store)
    assert 8 < behind < 98


def _empty(store: Store) -> None:
    for name in store.objects():
        store.delete(name)


@pytest.fixture
def old_and_newer(database: Database, backup: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two copies, of which the older one is due; it is returned."""
    newer = back_up(database, backup.parent.parent).directory
    assert verified(database, newer, "restore").reached == "restore"
    copied(newer, store)
    copied(backup, store)
    later = datetime.now(timezone.utc) + timedelta(days=9)
    decide = rules.decide
    monkeypatch.setattr(rules, "decide", lambda found, policy, _now: decide(found, policy, later))
    return backup


def pruned(store: Store, keep_min: int = 1) -> Pruned:
    return remote_prune.run(RemotePruneRequest(store.address, "", Policy(7, keep_min)))


@pytest.mark.fault(47)
def test_a_removal_that_is_killed_behind_any_step_leaves_a_whole_or_a_dead_backup_and_the_next_one_ends_it(
    old_and_newer: Path, store: Store, objects: ObjectServer
) -> None:
    before = {name: store.read(name) for name in store.objects() if name.startswith(under(old_and_newer))}
    for behind in range(99):
        dead = _killed(lambda: pruned(store), objects, behind)
        found = [of.condition for of in remote.all_of(store) if of.directory.name == old_and_newer.name]
        assert found == _after_kill(set(store.objects(under(old_and_newer))), whole(store, old_and_newer))
        pruned(store)
        # A claim alone may be that of a copy that begins.
        assert set(store.objects(under(old_and_newer))) <= {CLAIM}
        if not dead:
            break
        for name, content in before.items():
            store.put(name, content)
    assert 8 < behind < 98


def _after_kill(there: set[str], is_whole: bool) -> list[Condition]:
    if there == {CLAIM}:
        return [Condition.UNFINISHED]
    if is_whole:
        return [Condition.COMPLETE]
    return [Condition.PARTLY_REMOVED] if there else []


def test_retention_keeps_what_is_pinned_or_needed_and_says_what_it_could_not_remove(
    old_and_newer: Path, store: Store, objects: ObjectServer
) -> None:
    assert not pruned(store, keep_min=2).removed
    url = f"{store.address.url}/{under(old_and_newer)}"
    pin = RemotePinRequest(store.address, url, "for the auditors")
    remote_prune.run_pin(pin)
    assert "pinned: for the auditors" in [of.reason for of in pruned(store).decisions]
    remote_prune.run_pin(replace(pin, reason=""))
    assert remote_prune.plan(RemotePruneRequest(store.address, "", Policy(7, 1))).removed
    objects.fail({"method": "DELETE", "path": MANIFEST, "code": "AccessDenied"})
    with pytest.raises(NotPruned, match="AccessDenied"):
        pruned(store)
    assert whole(store, old_and_newer)
    with pytest.raises(NotABackup, match="had begun before it was pinned"):
        remote_prune.run_pin(pin)
    assert "pinned: for the auditors" in [of.reason for of in pruned(store).decisions]
    remote_prune.run_pin(replace(pin, reason=""))
    assert [of.backup.directory.name for of in pruned(store).removed] == [old_and_newer.name]
    assert store.objects(under(old_and_newer)) == {}


def test_a_pin_that_is_written_while_a_removal_begins_is_seen(
    old_and_newer: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put

    def pinning(self: Store, name: str, data: bytes) -> None:
        put(self, name, data)
        if name.endswith(REMOVING):
            put(self, f"{under(old_and_newer)}/{PINNED}", b"at the last moment")

    monkeypatch.setattr(Store, "put", pinning)
    assert "pinned: at the last moment" in [of.reason for of in pruned(store).decisions]
    assert whole(store, old_and_newer)
    assert f"{under(old_and_newer)}/{REMOVING}" not in store.objects()


def test_a_copy_that_died_long_ago_is_removed_with_its_parts(
    backup: Path, store: Store, objects: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _of_another_host(backup, store)
    key = f"{store.address.prefix}/{under(backup)}/large"
    objects.client().create_multipart_upload(Bucket=store.address.bucket, Key=key)
    assert not pruned(store).removed
    long_ago = datetime.now(timezone.utc) - timedelta(days=8)
    monkeypatch.setattr(remote, "last_written", lambda _store, _directory: long_ago)
    (decision,) = pruned(store).removed
    assert "nothing was written for 8 days" in decision.reason
    assert (store.objects(), store.uploads("")) == ({}, {})


def test_an_interrupted_copy_is_removed(backup: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    send_file = Store.send_file

    def interrupted(self: Store, source: Path, name: str) -> None:
        send_file(self, source, name)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Store, "send_file", interrupted)
    with pytest.raises(Interrupted, match="The objects of the incomplete copy were removed"):
        copied(backup, store)
    assert store.objects() == {}


def test_a_removal_that_begins_while_a_copy_is_made_is_noticed(
    backup: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_file = Store.send_file

    def removing(self: Store, source: Path, name: str) -> None:
        send_file(self, source, name)
        if name.endswith(MANIFEST):
            self.delete(f"{under(backup)}/{manifests.SCRIPT}")

    monkeypatch.setattr(Store, "send_file", removing)
    with pytest.raises(NotCopied, match="was removed while it was copied"):
        copied(backup, store)
    assert store.objects() == {}


@pytest.mark.long
def test_a_run_copies_its_backup_to_a_store_and_the_playbooks_work_on_it(
    ansible: Ansible, database: Database, backup_root: Path, store: Store, objects: ObjectServer, tmp_path: Path
) -> None:
    url, fetch_to = store.address.url, directory(tmp_path, "fetched")
    place = {"url": url, "endpoint_url": objects.endpoint, "region": "us-east-1"}
    keys = {"access_key": ACCESS, "secret_key": SECRET}
    variables = database.variables(backup_root, write_set(ansible.home / "set", GOOD))
    before = database.fingerprint()

    def played(playbook: str, *arguments: str, **given: Any) -> Any:
        host = {**variables, "pg_migrate_copy_to": [{**place, **keys}], **given}
        done = ansible.play({"one": host}, *arguments, playbook=f"pgsafe.migration.{playbook}")
        assert SECRET not in done.output
        return done

    confirmed = ("-e", f"pg_migrate_confirm={database.name}")
    without = {**python_without("boto3", tmp_path), "pg_migrate_expected_tables": ["gone"]}
    without_boto3 = played("migrate", *confirmed, **without)
    assert "refused" in without_boto3.verdict("one"), without_boto3.output
    assert f"The place {url} for a copy of the backup cannot be used: boto3" in without_boto3.flat
    assert "-m pip install boto3" in without_boto3.flat
    assert "2 problems stand in the way" in without_boto3.flat
    assert database.fingerprint() == before
    done = played("migrate", *confirmed, "-vvv")
    assert done.verdict("one") == "migrated and verified", done.output
    assert f"to {url}/{database.name}/migration_" in done.flat
    assert not [path for path in backup_root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    there = ("-e", json.dumps({"pg_migrate_store": url}))
    assert f"1 backup under {url}, 1 of them proven" in played("list", *there).flat
    named = ("-e", json.dumps({"pg_migrate_backup_dir": f"{url}/{remote.all_of(store)[0].directory}"}))
    reason = ("-e", json.dumps({"pg_migrate_reason": "for the auditors"}))
    assert played("pin", *there, *named, *reason).status == 0
    assert "pinned: for the auditors" in played("prune", *there, "--check").flat
    name = f"{database.name}_old"
    new, to = ("-e", f"pg_migrate_new_database={name}"), ("-e", f"pg_migrate_fetch_to={fetch_to}")
    assert "needs pg_migrate_fetch_to: an existing directory" in played("restore", *there, *new).flat
    foreseen = played("restore", *there, *to, *new, "--check")
    assert (foreseen.status, list(fetch_to.iterdir())) == (0, []), foreseen.output
    restored = played("restore", *there, *to, *new)
    assert restored.status == 0, restored.output
    assert replace(database, name=name).sql("SELECT count(*) FROM customers") == "60"
    database.admin(f"DROP DATABASE {name}")
