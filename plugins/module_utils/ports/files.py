# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only writer of files: temporary name, fsync, rename, fsync of the directory; 0700 and 0600."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import select
import shutil
import stat
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import FileFailed

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
PARTIAL_SUFFIX = ".partial"
BUFFER_BYTES = 1 << 20

_TAKING_SECONDS = 5.0


@dataclass(frozen=True)
class Digest:
    """Size in bytes and SHA-256 (lower-case hexadecimal) of a file's content."""

    size: int
    sha256: str


@dataclass(frozen=True)
class FreeSpace:
    """What an ordinary user may still use of a filesystem; bytes and inodes (None: it does not count them)."""

    bytes: int
    inodes: int | None


class HashingFile(io.RawIOBase):
    """A raw file that knows the SHA-256 of what was written to it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._sha256 = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # RawIOBase declares a buffer, which mypy has no name for
        _write_all(self._descriptor, view)
        self._sha256.update(view)
        self._size += view.nbytes
        return view.nbytes

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def digest(self) -> Digest:
        return Digest(self._size, self._sha256.hexdigest())


class Sink(io.BufferedWriter):
    """A buffered file under a temporary name; ``digest`` is known once it was committed."""

    def __init__(self, raw: HashingFile) -> None:
        super().__init__(raw, BUFFER_BYTES)
        self._raw_file = raw

    @property
    def digest(self) -> Digest:
        return self._raw_file.digest()

    def replace_beginning(self, data: bytes) -> None:
        """Write over the first bytes; the digest stays that of what was there."""
        self.flush()
        written = 0
        while written < len(data):
            written += os.pwrite(self.fileno(), data[written:], written)


@contextmanager
def atomic(path: Path) -> Iterator[Sink]:
    """Write a new file that appears under its name whole and synced, or not at all.

    :raises FileFailed: the filesystem refused (disk full, no permission).
    """
    partial = partial_name(path)
    with reporting(f"{path.name} could not be written", path):
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
        sink = Sink(HashingFile(descriptor))
        try:
            yield sink
            sink.flush()
            os.fsync(descriptor)
            commit(partial, path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
        finally:
            # Closed for good even when its last bytes are refused: a buffer that is flushed later would go to
            # whatever file has the descriptor's number by then.
            with suppress(OSError):
                sink.close()


def checked(source: Iterable[bytes], expected: str, shown: str) -> Iterator[bytes]:
    """A stream whose SHA-256 is known.

    :param shown: where it is from.
    :raises FileFailed: it has another one; behind its last chunk.
    """
    digest = hashlib.sha256()
    for chunk in source:
        digest.update(chunk)
        yield chunk
    _require_proven(digest.hexdigest(), expected, shown)


def _require_proven(found: str, expected: str, shown: str) -> None:
    if found != expected:
        raise FileFailed(f"{shown} has another SHA-256 than its backup was proven with.")


def copy_checked(source: Iterable[bytes], path: Path, expected: str, shown: str) -> Digest:
    """Write a file; it gets its name when what is read back of it from the filesystem has the SHA-256 expected.

    :param expected: empty for that of what is written.
    :param shown: where the content is from.
    :raises FileFailed: the source has another one, what is read back differs, or a filesystem refused.
    """
    with atomic(path) as sink:
        for chunk in source:
            sink.write(chunk)
        sink.flush()
        written = sink.digest
        _require_proven(written.sha256, expected or written.sha256, shown)
        partial = partial_name(path)
        drop_cached(partial)
        if sha256_of(partial) != written:
            raise FileFailed(f"{path} differs from {shown} when it is read back.", remedy="Check the filesystem.")
    return written


def drop_cached(path: Path) -> None:
    """Write a file through, and have the next reader get it from its filesystem instead of the page cache.

    The kernel takes the second as advice, for pages that are clean: https://man7.org/linux/man-pages/man2/posix_fadvise.2.html

    :raises FileFailed: it cannot be read, or not be written through.
    """
    with reporting(f"{path} could not be written through", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def partial_name(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL_SUFFIX)


def commit(partial: Path, path: Path) -> None:
    """Give a written and synced file its final name, durably."""
    partial.rename(path)
    sync_directory(path.parent)


def write_text(path: Path, text: str) -> Digest:
    """Write a small file atomically.

    :raises FileFailed: the filesystem refused.
    """
    with atomic(path) as sink:
        # What a program printed in another encoding is written back byte for byte.
        sink.write(text.encode("utf-8", "surrogateescape"))
    return sink.digest


def replace_text(path: Path, text: str) -> Digest:
    """As :func:`write_text`, where a crash may have left the beginning of an earlier try.

    :raises FileFailed: the filesystem refused.
    """
    partial = partial_name(path)
    with reporting(f"{path.name} could not be written", path), suppress(FileNotFoundError):
        partial.unlink()
    return write_text(path, text)


@contextmanager
def locked(path: Path, shared: bool = False) -> Iterator[bool]:
    """Hold a lock for the time of the block, which goes with its process; False when another one holds it.

    :param shared: others may hold it, too, if they share it.
    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be opened", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        yield _flocked(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether another holds the lock alone; makes no file where there is none.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be opened", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
    try:
        return not _flocked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _flocked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Pipe:
    """The reading end of a named pipe; nothing that is sent through it is on the disk."""

    def __init__(self, descriptor: int, path: Path, made: os.stat_result) -> None:
        self._descriptor = descriptor
        self._path = path
        self._made = made
        self._rest = b""

    @property
    def reachable(self) -> bool:
        """Whether a sender finds it by its name."""
        with suppress(OSError):
            return os.path.samestat(self._made, self._path.lstat())
        return False

    def lines(self) -> list[bytes]:
        """The lines sent since the last call; the beginning of a line is dropped when no sender is left to end it."""
        received, complete = [self._rest], False
        with suppress(BlockingIOError):
            while part := os.read(self._descriptor, BUFFER_BYTES):
                received.append(part)
            complete = True
        *whole, rest = b"".join(received).split(b"\n")
        self._rest = b"" if complete else rest
        return whole


@contextmanager
def pipe(path: Path) -> Iterator[Pipe]:
    """A new named pipe, removed after the block; on a filesystem that has no pipes, the file names its location.

    :raises FileFailed: the filesystem refused.
    """
    with tempfile.TemporaryDirectory(prefix="pgsafe_") as beside, reporting(f"{path} could not be made", path):
        # One that is left of a process that was killed.
        path.unlink(missing_ok=True)
        place = _made_pipe(path, Path(beside) / path.name)
        made = path.lstat()
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            yield Pipe(descriptor, path, made)
        finally:
            os.close(descriptor)
            _remove_same(path, made)


def _remove_same(path: Path, made: os.stat_result) -> None:
    """Remove a file unless another one has taken its name."""
    with suppress(OSError):
        if os.path.samestat(made, path.lstat()):
            path.unlink()


def _made_pipe(path: Path, other: Path) -> Path:
    """The location of the pipe."""
    try:
        os.mkfifo(path, FILE_MODE)
    except OSError:
        os.mkfifo(other, FILE_MODE)
        replace_text(path, str(other))
        return other
    return path


def send_line(path: Path, line: bytes) -> bool:
    """Send a line through a named pipe; False where no process reads it, or its reader does not take all of it."""
    # A reader that ends takes its pipe away.
    with suppress(OSError, FileFailed):
        place = Path(read_text(path)) if path.is_file() else path
        descriptor = os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return _is_pipe_of(path, descriptor) and _sent(descriptor, memoryview(line + b"\n"))
        finally:
            os.close(descriptor)
    return False


def _is_pipe_of(path: Path, descriptor: int) -> bool:
    """Not another user's, which may have the name of one that a killed process has left beside the file."""
    facts = os.fstat(descriptor)
    return stat.S_ISFIFO(facts.st_mode) and facts.st_uid == path.lstat().st_uid


def _sent(descriptor: int, data: memoryview) -> bool:
    """Whether all was taken, by a reader that keeps taking."""
    while data:
        _nothing, ready, _none = select.select([], [descriptor], [], _TAKING_SECONDS)
        if not ready:
            return False
        data = data[os.write(descriptor, data) :]
    return True


def replace_volatile(path: Path, text: str) -> None:
    """Replace a small file that is written many times and need not survive a crash: whole, and not synced.

    :raises FileFailed: the filesystem refused.
    """
    partial = partial_name(path)
    with reporting(f"{path.name} could not be written", path):
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
        try:
            _write_all(descriptor, memoryview(text.encode()))
        finally:
            os.close(descriptor)
        partial.rename(path)


@contextmanager
def extended(path: Path) -> Iterator[int]:
    """The descriptor of a file that a child process may append its output to.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be extended", path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, FILE_MODE)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically.

    :raises FileFailed: the filesystem refused, or another process is writing it.
    """
    with atomic(path) as sink:
        sink.write(data)


def read_text(path: Path) -> str:
    """
    :raises FileFailed: it cannot be read or is not UTF-8.
    """
    with reporting(f"{path} could not be read", path):
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FileFailed(f"{path} is not UTF-8 text (byte {error.start}).") from error


def read_plain_text(path: Path) -> str:
    """As :func:`read_text`, of a file that is no link, pipe or device.

    :raises FileFailed: it is one, cannot be read or is not UTF-8.
    """
    with reporting(f"{path} could not be read", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileFailed(f"{path} is no plain file.")
        with os.fdopen(descriptor, "rb") as source:
            content = source.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileFailed(f"{path} is not UTF-8 text (byte {error.start}).") from error


class HeldFile:
    """A file that can be read to its newest line after it was renamed or removed.

    :raises FileFailed: it is not there, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with reporting(f"{path} could not be read", path):
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    @property
    def named(self) -> bool:
        """Whether it still has its name."""
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        return False

    def text(self) -> str:
        """
        :raises FileFailed: it cannot be read.
        """
        with reporting(f"{self._path} could not be read", self._path):
            size = os.fstat(self._descriptor).st_size
            return os.pread(self._descriptor, size, 0).decode(errors="replace")

    def close(self) -> None:
        os.close(self._descriptor)


def append_line(path: Path, line: str) -> None:
    """Append one line durably: when this returns, it survives a power failure.

    A line that an earlier crash cut off is ended first, so that it spoils nothing but itself.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be extended", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, FILE_MODE)
        try:
            size = os.fstat(descriptor).st_size
            whole = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
            _write_all(descriptor, memoryview(f"{'' if whole else chr(10)}{line}\n".encode()))
            os.fsync(descriptor)
            if size == 0:
                sync_directory(path.parent)
        finally:
            os.close(descriptor)


def append_text(path: Path, text: str) -> None:
    """Append lines for people; what a power failure takes of them is not missed.

    :raises FileFailed: the filesystem refused.
    """
    with extended(path) as descriptor:
        _write_all(descriptor, memoryview(f"{text}\n".encode("utf-8", "replace")))


def touch(path: Path) -> None:
    """Give a file the time of now.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be touched", path):
        path.touch(mode=FILE_MODE)


def share(path: Path, other: Path) -> None:
    """Give a file a second name, in another directory; a symbolic link where the filesystem has no other ones.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{other} could not be linked", other):
        try:
            os.link(path, other)
        except FileExistsError:
            return
        except OSError:
            other.symlink_to(os.path.relpath(path, other.parent))


def sha256_of(path: Path) -> Digest:
    """Read a file once.

    :raises FileFailed: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with reporting(f"{path} could not be read", path), path.open("rb", buffering=0) as stream:
        while chunk := stream.read(BUFFER_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Digest(size, digest.hexdigest())


def sha256_of_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def make_directory(path: Path) -> bool:
    """Make one directory, 0700; False when the name is taken (atomic, so it also serves as a claim).

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"The directory {path} could not be made", path):
        try:
            path.mkdir(mode=DIRECTORY_MODE)
        except FileExistsError:
            return False
        sync_directory(path.parent)
        return True


def give(path: Path, owner: int, group: int) -> None:
    """Give a file or directory of this user to another user, which only root can.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be given to the user {owner}", path):
        os.chown(path, owner, group, follow_symlinks=False)


def give_tree(path: Path, owner: int, group: int) -> None:
    """As :func:`give`, with all that is in a directory; it never follows a link.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be given to the user {owner}", path):
        for _place, directories, others, descriptor in os.fwalk(path, follow_symlinks=False):
            for name in (*directories, *others):
                os.chown(name, owner, group, dir_fd=descriptor, follow_symlinks=False)
    give(path, owner, group)


def let_through(path: Path) -> None:
    """Let other users reach what is in a directory of this user when they know its name.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be opened to other users", path):
        path.chmod(0o711)


def read_bytes(path: Path) -> bytes:
    """
    :raises FileFailed: it cannot be read.
    """
    with reporting(f"{path} could not be read", path):
        return path.read_bytes()


def chunks(path: Path) -> Generator[bytes, None, None]:
    """The content of a file in chunks of 1 MiB.

    :raises FileFailed: it cannot be read.
    """
    with reporting(f"{path} could not be read", path), path.open("rb", buffering=0) as stream:
        while chunk := stream.read(BUFFER_BYTES):
            yield chunk


def read_range(path: Path, offset: int, size: int) -> bytes:
    """So many bytes of a file, or fewer at its end.

    :raises FileFailed: it cannot be read, or is no ordinary file.
    """
    with reporting(f"{path} could not be read", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", 0) as stream:
            stream.seek(offset)
            return b"".join(iter(lambda: stream.read(min(size - stream.tell() + offset, BUFFER_BYTES)), b""))


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file of this user, if it exists.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be removed", path), suppress(FileNotFoundError):
        path.unlink()


def remove_tree(path: Path) -> None:
    """Remove a directory of this user; it never follows a link.

    :raises FileFailed: the filesystem refused.
    """
    with reporting(f"{path} could not be removed", path):
        shutil.rmtree(path)


def replace_link(link: Path, target: str) -> None:
    """Point a symbolic link at another target atomically.

    :raises FileFailed: the filesystem refused.
    """
    partial = partial_name(link)
    with reporting(f"The link {link} could not be set", link):
        with suppress(FileNotFoundError):
            partial.unlink()
        partial.symlink_to(target)
        commit(partial, link)


# https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html
_FICLONE = 0x40049409
_BLOCK = 4096


def can_clone(directory: Path) -> bool | None:
    """Whether the filesystem shares blocks between files; None where this user may not write there to try it.

    The two files have no name, so that nothing can be left behind.
    """
    try:
        with _unnamed(directory) as original, _unnamed(directory) as clone:
            original.write(bytes(_BLOCK))
            original.flush()
            return _shares(clone, original)
    except OSError:
        return None


def _unnamed(directory: Path) -> IO[bytes]:
    return os.fdopen(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")


def _shares(clone: IO[bytes], original: IO[bytes]) -> bool:
    try:
        fcntl.ioctl(clone, _FICLONE, original.fileno())
    except OSError:
        return False
    return True


def free_space(path: Path) -> FreeSpace:
    """
    :raises FileFailed: the filesystem cannot be asked.
    """
    with reporting(f"The free space of {path} is not known", path):
        facts = os.statvfs(path)
    return FreeSpace(facts.f_bavail * facts.f_frsize, facts.f_favail if facts.f_files else None)


def plain_files(directory: Path) -> dict[str, os.stat_result]:
    """Every entry below a directory by its relative name; a directory counts by its own entries only.

    :raises FileFailed: it cannot be read.
    """
    with reporting(f"{directory} could not be read", directory):
        return {
            str(path.relative_to(directory)): path.lstat()
            for path in sorted(directory.rglob("*"))
            if not stat.S_ISDIR(path.lstat().st_mode)
        }


@contextmanager
def reporting(what: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a FileFailed that says what to do about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileFailed(f"{what}: {reason}.", remedy=_remedy(error, path)) from error


def _remedy(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Free space on the filesystem of {path.parent} (see: df -h {path.parent}) or choose another directory."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Let the user {os.geteuid()} write there (see: ls -ld {path.parent})."
    return ""
