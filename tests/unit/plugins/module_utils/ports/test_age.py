# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Streams are encrypted for public keys, and what is not whole or not for a key is an error."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pyrage
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import age

KEY, OTHER = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
RECIPIENT = str(KEY.to_public())
PLAIN = os.urandom(200_000)


def chunks(content: bytes, size: int = 70_000) -> Iterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


def encrypted(content: bytes = PLAIN, *recipients: str) -> bytes:
    return b"".join(age.encrypted(chunks(content), recipients or (RECIPIENT,), "a file"))


def decrypted(content: bytes, identity: str = str(KEY)) -> bytes:
    return b"".join(age.decrypted(chunks(content), identity, "a file"))


@pytest.mark.parametrize("content", [b"", b"x", PLAIN[: 64 << 10], PLAIN], ids=["empty", "byte", "chunk", "more"])
def test_what_is_encrypted_is_what_any_program_of_the_format_decrypts_with_either_key(content: bytes) -> None:
    sent = encrypted(content, RECIPIENT, str(OTHER.to_public()))
    assert len(content) < len(sent) <= age.most_bytes(len(content), 2)
    for key in (KEY, OTHER):
        assert pyrage.decrypt(sent, [key]) == content
        assert decrypted(sent, f"# created: 2026-11-16\n# public key: {key.to_public()}\n{key}\n") == content


def test_each_damage_and_a_foreign_key_is_an_error() -> None:
    sent = encrypted()
    altered = sent[:-9] + bytes([sent[-9] ^ 1]) + sent[-8:]
    whole_chunks = len(sent) - len(PLAIN) % (64 << 10) - 16
    for damaged in (sent[:-1], sent[:whole_chunks], sent[:30], b"", altered, b"x" + sent):
        with pytest.raises(FileFailed, match="a file could not be decrypted"):
            decrypted(damaged)
    with pytest.raises(FileFailed, match="No matching keys found"):
        decrypted(sent, str(OTHER))


@pytest.mark.parametrize(
    "identity", ["", "# no key\n", "age1qqq", str(KEY)[:-1]], ids=["empty", "comment", "public", "cut"]
)
def test_what_is_no_identity_is_refused_without_its_text(identity: str) -> None:
    with pytest.raises(BadRequest) as raised:
        decrypted(encrypted(), identity)
    assert str(KEY)[:-1] not in str(raised.value)


def test_what_is_no_recipient_is_refused_and_a_secret_key_is_not_shown() -> None:
    with pytest.raises(BadRequest, match="'ssh-rsa AAAA' is no recipient of age"):
        encrypted(PLAIN, "ssh-rsa AAAA")
    with pytest.raises(BadRequest, match="secret key of age is named as a recipient") as raised:
        age.require_recipients([str(KEY)])
    assert str(KEY) not in str(raised.value)


def test_an_error_of_the_source_is_raised_as_it_is_and_a_stream_that_is_left_ends_its_thread() -> None:
    def failing() -> Iterator[bytes]:
        yield PLAIN
        raise FileFailed("The disk is gone.")

    with pytest.raises(FileFailed, match=r"^The disk is gone\."):
        list(age.encrypted(failing(), [RECIPIENT], "a file"))
    with closing(age.encrypted(chunks(os.urandom(1 << 20)), [RECIPIENT], "a file")) as stream:
        assert next(stream)


def test_a_target_without_the_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(FileFailed, match="pyrage, which encrypts") as raised:
        age.require_recipients([RECIPIENT])
    assert raised.value.remedy == f"Run: {sys.executable} -m pip install pyrage"


_STREAM = """
import re
from pathlib import Path
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import age
plain = (bytes(1 << 20) for _ in range(256))
stream = age.decrypted(age.encrypted(plain, [{recipient!r}], "a file"), {identity!r}, "a file")
most = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = most()
assert sum(map(len, stream)) == 256 << 20
print(most() - before)
"""


def test_memory_does_not_grow_with_the_stream() -> None:
    script = _STREAM.format(recipient=RECIPIENT, identity=str(KEY))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 32 << 10, "KiB"
