# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gzip files: written by ISA-L where it can be imported, else by zlib, and readable by every gunzip."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.files import BUFFER_BYTES, reporting

# What the decoders say of a damaged stream; a header that is none is an OSError and told by `reporting`.
_DAMAGED: tuple[type[Exception], ...] = (EOFError, zlib.error)

try:
    from isal import igzip, isal_zlib

    _DAMAGED = (*_DAMAGED, isal_zlib.error)  # type: ignore[arg-type]  # its stub declares an instance, not a class
except ImportError:
    igzip = None

# ISA-L's fastest level that still compresses text about as well as zlib's 1.
_ISAL_LEVEL = 1


def writer(sink: IO[bytes], level: int) -> Any:
    """A gzip stream into a sink; without a time in its header, so that equal content gives equal bytes."""
    if igzip is not None and level <= 1:
        return closing(igzip.IGzipFile(filename="", mode="wb", compresslevel=_ISAL_LEVEL, fileobj=sink, mtime=0))
    return closing(gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=sink, mtime=0))


def read(path: Path) -> Iterator[bytes]:
    """The content of a gzip file in chunks of 1 MiB; its checksum is proven when the last chunk was given.

    :raises FileFailed: it is cut, corrupt, or has something behind its end.
    """
    opened: Any = (igzip or gzip).open
    with reporting(f"{path} could not be read", path):
        try:
            with opened(path, "rb") as stream:
                yield from _chunks(stream)
        except _DAMAGED as error:
            raise FileFailed(f"{path} is not a whole gzip file: {error}.") from error


def _chunks(stream: io.BufferedIOBase) -> Iterator[bytes]:
    while chunk := stream.read(BUFFER_BYTES):
        yield chunk
