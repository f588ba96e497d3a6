# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only importer of pyrage: encrypt and decrypt streams in the format age, https://age-encryption.org/v1."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import RawIOBase
from typing import Any

from ..errors import BadRequest, FileFailed, PgsafeError

SUFFIX = ".age"

_PIPE_BYTES = 1 << 16
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105  # what a secret key begins with
# The header takes about 100 bytes for each recipient; the content 16 for each 64 KiB.
_HEADER_BYTES, _CHUNK_BYTES, _TAG_BYTES = 1024, 64 << 10, 16


def most_bytes(plain: int, recipients: int) -> int:
    """What a file of so many bytes takes at most when it is encrypted for so many recipients."""
    return plain + _HEADER_BYTES * (1 + recipients) + _TAG_BYTES * (1 + plain // _CHUNK_BYTES)


def require_library() -> None:
    """
    :raises FileFailed: the Python of the target has no pyrage.
    """
    if importlib.util.find_spec("pyrage") is None:
        raise FileFailed(
            f"pyrage, which encrypts in the format age, is not installed for {sys.executable} on the target.",
            remedy=f"Run: {sys.executable} -m pip install pyrage",
        )


def require_recipients(recipients: Sequence[str]) -> None:
    """
    :raises FileFailed: there is no library.
    :raises BadRequest: one of them is no public key.
    """
    require_library()
    _recipients(recipients)


def encrypted(chunks: Iterable[bytes], recipients: Sequence[str], shown: str) -> Generator[bytes, None, None]:
    """A stream, encrypted for recipients; memory does not grow with it.

    :param shown: what is encrypted.
    :raises FileFailed: there is no library, or it failed.
    :raises BadRequest: a recipient is no public key.
    :raises PgsafeError: as the chunks do.
    """
    require_library()
    import pyrage

    known, reader = _recipients(recipients), _Reader(chunks)
    try:
        yield from _piped(lambda sink: pyrage.encrypt_io(reader, sink, known))
    except (pyrage.EncryptError, OSError) as error:
        raise _cause(reader, FileFailed(f"{shown} could not be encrypted: {error}.")) from error


def decrypted(chunks: Iterable[bytes], identity: str, shown: str) -> Generator[bytes, None, None]:
    """A stream that was encrypted for an identity. What it yields is authentic; that it is whole is known at its end.

    :param identity: the text of an identity file.
    :param shown: what is decrypted.
    :raises FileFailed: there is no library, it is encrypted for others, or it is damaged or cut off.
    :raises BadRequest: there is no secret key in the identity.
    :raises PgsafeError: as the chunks do.
    """
    require_library()
    import pyrage

    known, reader = _identities(identity), _Reader(chunks)
    try:
        yield from _piped(lambda sink: pyrage.decrypt_io(reader, sink, known))
    except (pyrage.DecryptError, OSError) as error:
        raise _cause(reader, FileFailed(f"{shown} could not be decrypted: {error}.")) from error


def _recipients(texts: Sequence[str]) -> list[Any]:
    import pyrage

    found = []
    for text in texts:
        if text.upper().startswith(_SECRET):
            # Without its text: it is the secret itself.
            raise BadRequest(
                "A secret key of age is named as a recipient.",
                remedy="Name its public key (age-keygen -y), which begins with age1. Replace the key: it was shown.",
            )
        try:
            found.append(pyrage.x25519.Recipient.from_str(text.strip()))
        except pyrage.RecipientError as error:
            raise BadRequest(
                f"{text!r} is no recipient of age: {error}.", remedy="Write the public key, which begins with age1."
            ) from error
    return found


def _identities(text: str) -> list[Any]:
    import pyrage

    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    try:
        found = [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError as error:
        # Without the line: it may be a secret all the same.
        raise BadRequest(f"The identity is none of age: {error}.", remedy=_GIVE_IDENTITY) from error
    if not found:
        raise BadRequest("The identity has no secret key of age.", remedy=_GIVE_IDENTITY)
    return found


_GIVE_IDENTITY = "Give an identity file of age-keygen, whose secret key begins with AGE-SECRET-KEY-1."


class _Reader:
    """Chunks as a file for pyrage, which reads in another thread and turns every exception into one of its own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._left = memoryview(b"")
        self.failure: PgsafeError | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._left:
                self._left = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except PgsafeError as error:
            self.failure = error
            raise
        taken, self._left = bytes(self._left[:size]), self._left[size:]
        return taken


def _piped(work: Callable[[_Whole], None]) -> Generator[bytes, None, None]:
    """What work writes in a thread; how it failed is raised behind what it has written."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as pool, os.fdopen(reading, "rb", 0) as source:
        done = pool.submit(_into, work, writing)
        while chunk := source.read(_PIPE_BYTES):
            yield chunk
        done.result()


def _into(work: Callable[[_Whole], None], writing: int) -> None:
    with os.fdopen(writing, "wb", 0) as sink:
        work(_Whole(sink))


class _Whole:
    """Writes to a pipe until all is written."""

    def __init__(self, sink: RawIOBase) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[self._sink.write(left) or 0 :]
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


def _cause(reader: _Reader, other: PgsafeError) -> PgsafeError:
    return reader.failure or other
