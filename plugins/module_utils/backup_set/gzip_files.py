# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gzip files: written by ISA-L where it can be imported, else by pigz, else by zlib; readable by every gunzip."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from ..errors import FileFailed
from ..ports import commands
from ..ports.files import BUFFER_BYTES, reporting

# What the decoders say of a damaged stream; a header that is none is an OSError and told by `reporting`.
_DAMAGED: tuple[type[Exception], ...] = (EOFError, zlib.error)

try:
    from isal import igzip, isal_zlib

    _DAMAGED = (*_DAMAGED, isal_zlib.error)  # type: ignore[arg-type]  # its stub declares an instance, not a class
except ImportError:
    igzip = None

# ISA-L's fastest level that still compresses text about as well as zlib's 1.
_ISAL_LEVEL = 1


def compressor() -> str:
    """What :func:`compress` uses on this machine: ``isal``, ``pigz`` or ``zlib``."""
    if igzip is not None:
        return "isal"
    return "pigz" if _pigz() else "zlib"


def compress(source: commands.Command, sink: IO[bytes], level: int, check: Callable[[], None]) -> None:
    """Compress what a program prints into a sink.

    :param level: 1 to 9; ISA-L, which knows only fast ones, is used for 1 alone.
    :param check: called with every chunk; it raises to stop.
    :raises CommandFailed: the program or the compressor failed.
    """
    pigz = _pigz()
    if igzip is None and pigz:
        argv = (pigz, f"-{level}", "--no-name", "--stdout")
        commands.read_through(source, commands.Command(argv), _checked(sink.write, check))
        return
    with _stream(sink, level) as stream:
        commands.read_into(source, _checked(stream.write, check))


def _checked(write: Callable[[bytes], object], check: Callable[[], None]) -> Callable[[bytes], object]:
    def pass_on(chunk: bytes) -> None:
        check()
        write(chunk)

    return pass_on


def _pigz() -> str | None:
    return commands.find("pigz", os.environ.get("PATH", os.defpath).split(os.pathsep))


def _stream(sink: IO[bytes], level: int) -> Any:
    """A gzip stream into a sink; without a time in its header, so that equal content gives equal bytes."""
    if igzip is not None and level <= 1:
        return closing(igzip.IGzipFile(filename="", mode="wb", compresslevel=_ISAL_LEVEL, fileobj=sink, mtime=0))
    return closing(gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=sink, mtime=0))


def read(path: Path) -> Generator[bytes, None, None]:
    """The content of a gzip file in chunks of 1 MiB; its checksum is proven when the last chunk was given.

    :raises FileFailed: it is cut, corrupt, or has something behind its end.
    """
    opened: Any = (igzip or gzip).open
    with reporting(f"{path} could not be read", path):
        if path.stat().st_size == 0:
            raise FileFailed(f"{path} is not a whole gzip file: it is empty.")
        try:
            with opened(path, "rb") as stream:
                yield from _chunks(stream)
        except _DAMAGED as error:
            raise FileFailed(f"{path} is not a whole gzip file: {error}.") from error


def head(beginning: bytes, size: int) -> bytes:
    """The first bytes that the beginning of a gzip file holds, whole or not.

    :raises ValueError: it is none.
    """
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(beginning, size)
    except zlib.error as error:
        raise ValueError(f"what looks like gzip is none: {error}") from error


def _chunks(stream: io.BufferedIOBase) -> Iterator[bytes]:
    while chunk := stream.read(BUFFER_BYTES):
        yield chunk
