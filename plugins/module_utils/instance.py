# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Private, throw-away clusters: reached by nobody else, as fast as an unsafe one can be, gone whatever happens.

PostgreSQL does not run as root. Root's clusters run as another user, who must be able to reach their directory.
"""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    client_tools,
    commands,
    files,
    pg_tools,
    scripts,
    server_globals,
    signals,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.database import environment, session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    CommandFailed,
    ConnectionFailed,
    PgsafeError,
    Refused,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.findings import Damaged, Found
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import LOCK, RUNS, Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import GLOBALS, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target

_PREFIX = "instance_"
_PORT = "5432"
_START_SECONDS = 120
_STEP_SECONDS = 600
_USUAL_USER = "postgres"

# Whatever it holds is made from a backup that is there: nothing of it has to survive a crash, or be replicated.
# https://www.postgresql.org/docs/current/runtime-config.html
_SETTINGS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "restart_after_crash": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "checkpoint_timeout": "1h",
    "max_locks_per_transaction": "1024",
}
_IN_PLACE = {"allow_in_place_tablespaces": "on"}


@dataclass(frozen=True)
class Options:
    """What a caller may choose.

    :param bin_dir: the directory of the programs, or None to look for them.
    :param directory: where the cluster's own directory is made, or None for beside the backup.
    :param user: the operating system's user that runs it when we are root, or None to decide.
    """

    bin_dir: str | None = None
    directory: Path | None = None
    user: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A cluster to be made.

    :param parent: the directory that its own is made in.
    :param user: as in :class:`commands.Command`.
    :param globals_script: makes its roles and tablespaces.
    :param libraries: for shared_preload_libraries; left out when they do not load.
    """

    tools: pg_tools.Tools
    parent: Path
    user: str | None
    globals_script: bytes
    libraries: str = ""


def for_backup(options: Options, directory: Path, manifest: Manifest) -> Wanted:
    """The cluster that a backup is proven in: its major, its roles, its libraries.

    :raises Refused: a program is missing, there is no user to run it, or no room.
    """
    root = directory.parent.parent
    beside = root / RUNS / manifest.run_id
    user = _user(options, directory)
    wanted = Wanted(
        tools=client_tools.find(Target({}, "", bin_dir=options.bin_dir), manifest.server_major),
        parent=_parent(options, beside if beside.is_dir() else directory.parent, user),
        user=user,
        globals_script=files.read_bytes(directory / GLOBALS),
        libraries=manifest.preload_libraries,
    )
    free = files.free_space(wanted.parent).bytes
    if free < manifest.database_bytes:
        raise Refused(
            f"{wanted.parent} has {free:,} bytes free; the database had {manifest.database_bytes:,}.",
            remedy="Name a directory with more room in instance_directory.",
        )
    return wanted


def for_archive(options: Options, archive: Path, major: int, globals_script: bytes) -> Wanted:
    """The cluster that an archive is proven in, of which nothing but its major and the names of roles is known.

    :raises Refused: as in :func:`for_backup`.
    """
    user = _user(options, archive)
    return Wanted(
        tools=client_tools.find(Target({}, "", bin_dir=options.bin_dir), major),
        parent=_parent(options, archive.parent, user),
        user=user,
        globals_script=globals_script,
    )


def _user(options: Options, directory: Path) -> str | None:
    """Who runs the cluster: ourselves, or, when that is root, the backup's owner, or the usual user.

    :raises Refused: there is no such user.
    """
    if os.geteuid() != 0:
        if options.user and options.user != _name_of(os.geteuid()):
            raise BadRequest("Only root can run an instance as another user.", remedy="Leave instance_user out.")
        return None
    name = options.user or _name_of(directory.stat().st_uid) or _USUAL_USER
    with suppress(KeyError):
        if pwd.getpwnam(name).pw_uid != 0:
            return name
    raise Refused(
        f"PostgreSQL does not run as root, and there is no other user {name} to run it.",
        remedy="Name one in instance_user, or run the play as another user than root.",
    )


def _name_of(uid: int) -> str:
    """Empty for root, and for a number without a name, as an owner's from another machine may be."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name if uid else ""
    return ""


def _parent(options: Options, beside: Path, user: str | None) -> Path:
    """Where the cluster goes: where it was told to, beside the backup, or, where its user cannot reach that, home.

    :raises Refused: its user can reach neither.
    """
    home = [Path(pwd.getpwnam(user).pw_dir)] if user else []
    candidates = [options.directory] if options.directory else [beside, *home]
    for candidate in candidates:
        if candidate.is_dir() and (user is None or _reaches(pwd.getpwnam(user), candidate)):
            return candidate
    raise Refused(
        f"The user {user or os.geteuid()} cannot reach {' or '.join(map(str, candidates))}.",
        remedy="Name a directory in instance_directory that this user can enter.",
    )


def _reaches(user: pwd.struct_passwd, path: Path) -> bool:
    """By the mode bits; an access control list that says otherwise is not read."""
    return all(_enters(user, directory.stat()) for directory in (path, *path.parents))


def _enters(user: pwd.struct_passwd, facts: os.stat_result) -> bool:
    if facts.st_uid == user.pw_uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == user.pw_gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


@contextmanager
def running(wanted: Wanted, found: Found) -> Iterator[Target]:
    """A cluster for the time of the block; the way to it as its superuser.

    :raises Damaged: the globals are not enough to make its roles and tablespaces.
    :raises PgsafeError: it could not be made or started.
    """
    initdb, postgres = _program(wanted, "initdb"), _program(wanted, "postgres")
    _sweep(wanted, found)
    superuser = _superuser(wanted)
    with _directory(wanted) as home, _socket_directory(wanted) as socket:
        with found.timed("initdb"):
            _initdb(wanted, initdb, home, superuser)
        target = Target({"host": str(socket), "port": _PORT, "user": superuser}, "postgres")
        with _serving(wanted, postgres, home, target, found):
            with found.timed("globals"):
                _make_globals(wanted, target, superuser)
            yield target


def _superuser(wanted: Wanted) -> str:
    try:
        return server_globals.first_superuser(wanted.globals_script)
    except ValueError as error:
        raise Damaged(GLOBALS, str(error)) from error


def _program(wanted: Wanted, name: str) -> str:
    """A program beside the client tools.

    :raises Refused: it is not there.
    """
    pg_dump = Path(wanted.tools["pg_dump"])
    places = [str(pg_dump.parent), str(pg_dump.resolve().parent)]
    found = commands.find(name, places)
    if found is None:
        raise Refused(
            f"{name} of PostgreSQL {wanted.tools.major} is not in {places[0]}, where the client tools are.",
            remedy=f"Install the server's package postgresql-{wanted.tools.major} on the target (no cluster of it has "
            "to run), or choose proof: scratch.",
        )
    return found


@contextmanager
def _directory(wanted: Wanted) -> Iterator[Path]:
    """The cluster's own directory, 0700, locked as long as we live, removed whatever happens."""
    home = wanted.parent / f"{_PREFIX}{secrets.token_hex(8)}"
    files.make_directory(home)
    try:
        with Journal(home).held():
            _give(home, wanted.user)
            yield home
    finally:
        with signals.passed_over():
            files.remove_tree(home)


@contextmanager
def _socket_directory(wanted: Wanted) -> Iterator[Path]:
    """The socket's own directory, 0700: a path below the backup may be longer than a socket's can be."""
    directory = Path(tempfile.mkdtemp(prefix="pgsafe-"))
    try:
        _give(directory, wanted.user)
        yield directory
    finally:
        with signals.passed_over():
            files.remove_tree(directory)


def _give(path: Path, user: str | None) -> None:
    if user is not None:
        account = pwd.getpwnam(user)
        files.give(path, account.pw_uid, account.pw_gid)


def _initdb(wanted: Wanted, program: str, home: Path, superuser: str) -> None:
    """Trust is no risk where nobody else can reach the socket."""
    argv = pg_tools.new_cluster(program, str(home / "data"), superuser)
    commands.run(commands.Command(argv, cwd=str(home), time_limit=_STEP_SECONDS, user=wanted.user))


@contextmanager
def _serving(wanted: Wanted, program: str, home: Path, target: Target, found: Found) -> Iterator[None]:
    """The server at work; without the libraries when it does not start with them."""
    with ExitStack() as stack:
        with found.timed("start"):
            try:
                stack.enter_context(_started(wanted, program, home, target, wanted.libraries))
            except CommandFailed as error:
                if not wanted.libraries:
                    raise
                found.notes.append(f"shared_preload_libraries ({wanted.libraries}) could not be loaded: {error.what}")
                stack.enter_context(_started(wanted, program, home, target, ""))
        yield


@contextmanager
def _started(wanted: Wanted, program: str, home: Path, target: Target, libraries: str) -> Iterator[None]:
    settings = {
        **_SETTINGS,
        # Minors of before 2022 do not know it: it is set where it is needed.
        **(_IN_PLACE if b"\nCREATE TABLESPACE " in wanted.globals_script else {}),
        "unix_socket_directories": target.params["host"],
        "shared_preload_libraries": libraries,
    }
    command = commands.Command(
        pg_tools.serve(program, str(home / "data"), settings),
        cwd=str(home),
        time_limit=_START_SECONDS,
        user=wanted.user,
        # An immediate shutdown: what it would write out before another one is thrown away anyway.
        ending=signal.SIGQUIT,
    )
    with commands.serving(command, lambda: _answers(target)):
        yield


def _answers(target: Target) -> bool:
    try:
        with session(target, purpose="verify"):
            return True
    except ConnectionFailed:
        return False


def _make_globals(wanted: Wanted, target: Target, superuser: str) -> None:
    client_tools.require_restricting(wanted.tools)
    script = server_globals.for_private_cluster(wanted.globals_script, superuser)
    argv = pg_tools.run_script(wanted.tools, ["-"], single_transaction=False)
    command = commands.Command(argv, environment(target, purpose="verify"), time_limit=_STEP_SECONDS)
    try:
        commands.write_from(command, scripts.restricted(iter([script])))
    except CommandFailed as error:
        raise Damaged(GLOBALS, f"does not make the roles and tablespaces: {error.what}") from error


def _sweep(wanted: Wanted, found: Found) -> None:
    """End and remove the clusters of proofs that were killed; one whose proof lives holds its lock."""
    for home in sorted(wanted.parent.glob(f"{_PREFIX}*")):
        if home.is_symlink() or not (home / LOCK).exists() or Journal(home).alive:
            continue
        _end_orphan(wanted, home)
        files.remove_tree(home)
        found.notes.append(f"removed what a killed proof has left: {home}")


def _end_orphan(wanted: Wanted, home: Path) -> None:
    data = home / "data"
    if not (data / "postmaster.pid").exists():
        return
    # Its fifth line names the socket's directory: https://www.postgresql.org/docs/current/storage-file-layout.html
    lines = files.read_text(data / "postmaster.pid").splitlines()
    user = _name_of(data.stat().st_uid) or None if os.geteuid() == 0 else None
    stop = pg_tools.stop_cluster(_program(wanted, "pg_ctl"), str(data))
    with suppress(CommandFailed):
        commands.run(commands.Command(stop, cwd="/", time_limit=_STEP_SECONDS, user=user))
    socket = Path(lines[4]) if len(lines) > 4 else None
    if socket and socket.name.startswith("pgsafe-") and socket.is_dir():
        with suppress(PgsafeError):
            files.remove_tree(socket)
