# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only runner of processes: argv lists, no shell, every exit status read, no process left behind."""

from __future__ import annotations

import math
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath
from typing import IO, Any, NoReturn

from ..errors import CommandFailed
from . import signals

CHUNK_BYTES = 1 << 20
TAIL_BYTES = 1 << 16
HEAD_BYTES = 1 << 10
LINE_LENGTH = 400
_MOST_LINES = 12
POLL_SECONDS = 0.2
GRACE_SECONDS = 5.0

# What a program's error begins with: PostgreSQL's own ("psql:1.sql:3: ERROR:  ...", "pg_restore: error: ..."), and
# Python's, whose last one is the first line of no indentation behind its frames.
_ERROR = re.compile(r"(?:^|: )(?:ERROR|FATAL|PANIC|error|fatal): ")
_TRACEBACK = "Traceback (most recent call last):"

# How long killed processes are looked for again; one in an uninterruptible wait may outlast it.
_KILL_SECONDS, _KILL_LOOK_SECONDS = 10.0, 0.02

# Between two looks at a program that may end at once, or take long.
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 0.0005, 0.05

# In the environment of every program of a migration, and of the programs that those start: the run that they belong to.
JOB_VARIABLE = "PGSAFE_JOB"


@dataclass(frozen=True)
class Account:
    """A user of the operating system, with one group; it need not have a name."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """A program to run.

    :param argv: the program and its arguments; never a secret among them.
    :param env: variables merged over the caller's environment.
    :param cwd: the directory to run in.
    :param time_limit: seconds it may take at all (short steps).
    :param stall_limit: seconds it may go on without progress (long steps).
    :param account: the operating system's user to run it as, which only root can choose; None for our own.
    :param ending: the signal that asks it to end.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    time_limit: float | None = None
    stall_limit: float | None = None
    account: Account | None = None
    ending: signal.Signals = signal.SIGINT

    @property
    def program(self) -> str:
        return PurePath(self.argv[0]).name


@dataclass(frozen=True)
class Completed:
    """What a program that ended with status 0 said; the last 64 KiB of each stream.

    :param head: the first KiB of the standard output.
    """

    stdout: str
    stderr: str
    seconds: float
    head: str = ""


Progress = Callable[[], int]


def find(program: str, directories: Iterable[str]) -> str | None:
    """The path of a program in one of the directories, in their order."""
    return shutil.which(program, path=os.pathsep.join(directories))


def run(command: Command, progress: Progress | None = None) -> Completed:
    """Run a program to its end.

    :param progress: a number that changes while the program gets on (bytes of its output file).
    :raises CommandFailed: it could not be started, failed, took too long or made no progress.
    """
    with _process(command, stdout=subprocess.PIPE) as child:
        out = child.drained()
        child.wait(progress or (lambda: out.seen + child.stderr.seen))
        return child.completed(out.finish(), out.head)


def output(command: Command) -> str:
    """Run a program and give all that it printed.

    :raises CommandFailed: as in :func:`run`.
    """
    chunks: list[bytes] = []
    read_into(command, chunks.append)
    return b"".join(chunks).decode("utf-8", "surrogateescape")


def read_into(command: Command, sink: Callable[[bytes], object]) -> Completed:
    """Run a program and hand its standard output to ``sink`` in chunks of up to 1 MiB.

    :raises CommandFailed: as in :func:`run`; an error of the sink ends the program and is passed on.
    """
    with _process(command, stdout=subprocess.PIPE) as child:
        for chunk in _chunks(child):
            sink(chunk)
        child.wait(lambda: child.stderr.seen)
        return child.completed("")


def stream(command: Command, said: Callable[[str], object] | None = None) -> Generator[bytes, None, None]:
    """The standard output of a program in chunks of up to 1 MiB; the program is ended when the iterator is closed.

    :param said: is given what the program wrote to its standard error, when it has ended.
    :raises CommandFailed: as in :func:`run`, at the latest after the last chunk.
    """
    child = None
    try:
        with _process(command, stdout=subprocess.PIPE) as child:
            yield from _chunks(child)
            child.wait(lambda: child.stderr.seen)
            child.completed("")
    finally:
        if child is not None and said is not None:
            said(child.stderr.finish())


@contextmanager
def serving(command: Command, ready: Callable[[], bool]) -> Iterator[None]:
    """Run a server for the time of the block; it is ended in any case.

    :param command: its ``time_limit`` is what it may take until it is ready.
    :param ready: whether it answers.
    :raises CommandFailed: it ended before it was ready, or was not ready in time.
    """
    with _process(command) as child:
        watch = _Watch(command, child.started)
        while not ready():
            if _ended(child.process):
                raise _failed(command, child.process.returncode, child.stderr.finish())
            watch.look(0)
            time.sleep(POLL_SECONDS)
        yield


def detach(argv: Sequence[str], given: bytes, log: int) -> None:
    """Start a program that outlives us, in a session of its own, with none of our streams.

    :param given: what it reads on its standard input.
    :param log: the descriptor of a file that takes what it prints.
    :raises CommandFailed: it could not be started.
    """
    child = _started(argv, log, os.environ)
    with _piped(child.stdin) as stream:
        stream.write(given)
    # It outlives this process, which does not wait for it.
    child.returncode = 0


def forked(work: Callable[[], None]) -> bool:
    """Do the work in a child that shares the memory of this process; whether it came to the end of it.

    For a process of one thread.
    """
    child = os.fork()
    if child == 0:
        _do_and_exit(work)
    _child, status = os.waitpid(child, 0)
    return status == 0


def _do_and_exit(work: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        # What the parent would do at its end is not the child's.
        os._exit(status)


@contextmanager
def background(argv: Sequence[str], given: bytes, log: int, env: Mapping[str, str]) -> Iterator[Background]:
    """A program that runs beside us for the time of the block; killed at its end if it still does.

    :param given: what it reads on its standard input.
    :param env: its whole environment.
    :raises CommandFailed: it could not be started.
    """
    with signals.made(partial(_started, argv, log, env), _killed) as process:
        with suppress(BrokenPipeError), _piped(process.stdin) as stream:
            stream.write(given)
        yield Background(process)


def _killed(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


@dataclass(frozen=True)
class Background:
    """A program that runs beside us."""

    _process: subprocess.Popen[bytes]

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def ended(self) -> str:
        """How it ended, for people."""
        status = self._process.returncode
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"

    def ask_to_end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()


def _started(argv: Sequence[str], log: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command waits; this process goes on
            list(argv),
            env=env,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(f"{argv[0]} could not be started: {error.strerror or error}.") from error


def end_marked(run_directory: Path) -> int:
    """Kill every process that a run's migration has started, in any process group; how many there were.

    :param run_directory: of the run; its id alone may be another one's too, of another backup root.

    It finds those of our own user, or of all for root, where there is a /proc. It looks again until none is left,
    because a process that is not dead yet may start another one behind the look.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + _KILL_SECONDS
    while (found := _marked(run_directory)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        time.sleep(_KILL_LOOK_SECONDS)
    return len(killed)


def _marked(run_directory: Path) -> set[int]:
    mark = f"{JOB_VARIABLE}={run_directory}".encode()
    found = {int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _environment_of(path)}
    return found - {os.getpid()}


def end_all_of(account: Account) -> None:
    """Kill every process of a user, in any group or session, until none is left; only root can."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := processes_of(account)) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_FIRST_REST_SECONDS)


def processes_of(account: Account) -> list[int]:
    """The processes of a user that have not ended, where there is a /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if path.stat().st_uid == account.uid and not _is_zombie(path):
                found.append(int(path.name))
    return found


def _is_zombie(process: Path) -> bool:
    """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    return (process / "stat").read_bytes().rpartition(b") ")[2][:1] == b"Z"


def _environment_of(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def read_through(source: Command, command: Command, sink: Callable[[bytes], object]) -> None:
    """Run a program whose standard output another one reads, and hand that one's output to ``sink``.

    :raises CommandFailed: either of them failed; the failure of the first comes first, unless it is but the pipe that
        the second one has left.
    """
    with _process(source, stdout=subprocess.PIPE) as first:
        pipe = _piped(first.process.stdout)
        with _process(command, stdin=pipe.fileno(), stdout=subprocess.PIPE) as second:
            # Ours would keep the second from seeing that the first one ended.
            pipe.close()
            for chunk in _chunks(second):
                sink(chunk)
            first.wait(lambda: first.stderr.seen)
            second.wait(lambda: second.stderr.seen)
            orphaned = first.process.returncode == -signal.SIGPIPE
            for child in (second, first) if orphaned else (first, second):
                child.completed("")


def write_from(command: Command, source: Iterable[bytes], progress: Progress | None = None) -> Completed:
    """Run a program and feed it ``source`` on its standard input.

    :param progress: as in :func:`run`, while the program reads nothing.
    :raises CommandFailed: as in :func:`run`; an error of the source ends the program *before* it sees an
        end of file, so that it never takes half of a script for the whole.
    """
    with _process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        out = child.drained()
        # A program that stops reading tells the reason by its exit status and stderr, not by our broken pipe.
        with suppress(BrokenPipeError):
            _feed(child, source, progress or (lambda: 0))
        child.wait(progress or (lambda: out.seen + child.stderr.seen))
        return child.completed(out.finish())


class _Tail(threading.Thread):
    """Drains a stream, keeps its last 64 KiB, and closes it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        self._stream = _piped(stream)
        self._kept = self._head = b""
        self.seen = 0
        self.start()

    def run(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), TAIL_BYTES):
                self.seen += len(chunk)
                self._kept = (self._kept + chunk)[-TAIL_BYTES:]
                self._head += chunk[: HEAD_BYTES - len(self._head)]

    @property
    def head(self) -> str:
        return self._head.decode("utf-8", "replace")

    def finish(self) -> str:
        """What was said; a grandchild that keeps the stream open is not waited for."""
        self.join(GRACE_SECONDS)
        return self._kept.decode("utf-8", "replace")


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    """A stream of a process; there is none only where it was not asked for."""
    if stream is None:
        raise CommandFailed("A program was started without the pipe that is to be used.")
    return stream


@dataclass
class _Child:
    command: Command
    process: subprocess.Popen[bytes]
    stderr: _Tail
    started: float

    def drained(self) -> _Tail:
        """Its standard output; the caller alone reads and closes it from now on."""
        stream, self.process.stdout = self.process.stdout, None
        return _Tail(stream)

    def wait(self, progress: Progress) -> None:
        watch = _Watch(self.command, self.started)
        while not _waited(self.process, POLL_SECONDS):
            watch.look(progress())

    def completed(self, stdout: str, head: str = "") -> Completed:
        stderr = self.stderr.finish()
        if self.process.returncode != 0:
            error = _failed(self.command, self.process.returncode, stderr or stdout)
            error.stdout = f"{head}\n{stdout}"
            raise error
        return Completed(stdout, stderr, time.monotonic() - self.started, head)


class _Watch:
    """Holds a running program to its limits."""

    def __init__(self, command: Command, started: float) -> None:
        self._command = command
        self._started = started
        self._moved = started
        self._position = -1

    def look(self, position: int) -> None:
        now = time.monotonic()
        if position != self._position:
            self._position, self._moved = position, now
        self._hold(now - self._started, self._command.time_limit, "did not end within")
        self._hold(now - self._moved, self._command.stall_limit, "made no progress for")

    def _hold(self, seconds: float, limit: float | None, what: str) -> None:
        if limit is not None and seconds > limit:
            raise CommandFailed(f"{self._command.program} {what} {limit:g} s and was ended.")


def _chunks(child: _Child) -> Iterator[bytes]:
    stream = _piped(child.process.stdout)
    watch = _Watch(child.command, child.started)
    seen = 0
    while True:
        ready, _unused, _unused2 = select.select([stream], [], [], POLL_SECONDS)
        watch.look(seen)
        if not ready:
            continue
        chunk = os.read(stream.fileno(), CHUNK_BYTES)
        if not chunk:
            return
        seen += len(chunk)
        yield chunk


def _feed(child: _Child, source: Iterable[bytes], progress: Progress) -> None:
    pipe = _piped(child.process.stdin)
    os.set_blocking(pipe.fileno(), False)
    watch = _Watch(child.command, child.started)
    written = 0
    for chunk in source:
        view = memoryview(chunk)
        while view:
            _unused, ready, _unused2 = select.select([], [pipe], [], POLL_SECONDS)
            watch.look(written if ready else written + progress())
            count = os.write(pipe.fileno(), view) if ready else 0
            written += count
            view = view[count:]
    pipe.close()


@contextmanager
def _process(command: Command, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL) -> Iterator[_Child]:
    """A child in a process group of its own, ended with this process in any case."""
    child = None
    try:
        with signals.deferred():
            child = _child(command, stdin, stdout)
        yield child
    finally:
        if child is not None:
            _end(child.process, command.ending)


def _child(command: Command, stdin: int, stdout: int) -> _Child:
    started = time.monotonic()
    try:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command ends no process group
            command.argv,
            env={**os.environ, **command.env},
            cwd=command.cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **_identity(command.account),
        )
    except OSError as error:
        where = f" in {command.cwd}" if command.cwd else ""
        raise CommandFailed(f"{command.argv[0]} could not be started{where}: {error.strerror or error}.") from error
    return _Child(command, process, _Tail(process.stderr), started)


def _identity(account: Account | None) -> dict[str, Any]:
    """What makes a child another user's: of root's own groups it keeps none."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def _end(process: subprocess.Popen[bytes], ending: signal.Signals) -> None:
    """Ask by a signal, wait the grace, then SIGKILL the whole group."""
    if not _ended(process):
        # A process that was started in the background ignores SIGINT, and so do its children.
        deaf = ending == signal.SIGINT and signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        _signal_group(process, signal.SIGTERM if deaf else ending)
        _waited(process, GRACE_SECONDS)
    _signal_group(process, signal.SIGKILL)
    _waited(process, None)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    with signals.deferred():
        return process.poll() is not None


def _waited(process: subprocess.Popen[bytes], seconds: float | None) -> bool:
    """Whether it ended within this time; of no limit where that is None."""
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    rest = _FIRST_REST_SECONDS
    while not _ended(process):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(rest, left))
        rest = min(2 * rest, _LONGEST_REST_SECONDS)
    return True


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _failed(command: Command, status: int, said: str) -> CommandFailed:
    end = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    lines = [_shortened(line) for line in _cause_first(said)[:_MOST_LINES]]
    what = f"{command.program} {end}" + (": " + "\n".join(lines) if lines else ".")
    return CommandFailed(what, status=status, stderr=said)


def _cause_first(said: str) -> list[str]:
    """The error and what explains it, then what was said before it, such as notices or the frames of a traceback."""
    said_lines = [line for line in said.splitlines() if line.strip()]
    last = len(said_lines) - 1
    traces = [number for number, line in enumerate(said_lines) if line.startswith(_TRACEBACK)]
    raised = [number for number in range(traces[-1] + 1, last + 1) if said_lines[number][:1] != " "] if traces else []
    errors = [number for number, line in enumerate(said_lines) if _ERROR.search(line)]
    cause = (raised or errors or [max(0, last + 1 - _MOST_LINES)])[0]
    return [*said_lines[cause:], *said_lines[max(0, cause - _MOST_LINES) : cause]]


def _shortened(line: str) -> str:
    """A failed LOCK TABLE of pg_dump's names every table there is."""
    return line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]} …"
