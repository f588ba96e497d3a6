# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Temporary instances: no other user can reach them, they are as fast as an unsafe one can be, and always removed.

PostgreSQL does not run as root, and the SQL of a backup may run programs as the user of its server. Root's clusters run
as a user without a name, who owns nothing and has no other process; what is left of his processes is killed at the end.
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
from functools import partial
from pathlib import Path

from ..backup_set import scripts
from ..backup_set.manifest import GLOBALS, Manifest
from ..copies import restorer
from ..errors import BadRequest, CommandFailed, ConnectionFailed, PgsafeError, Refused
from ..journal.journal import RUNS, Journal
from ..model import Target
from ..ports import commands, files, safe_paths, signals
from ..ports.commands import Account
from ..ports.database import environment, session
from ..postgres import client_tools, pg_tools
from . import server_globals
from .findings import Damaged, Found

_PREFIX, _DATA, _SOCKETS = "instance_", "data", "pgsafe-"
_PASSWORD = "password"  # noqa: S105 - the name of a file
_PORT = "5432"
_START_SECONDS = 120
_STEP_SECONDS = 600

# Where systemd takes users without a name from, too: https://systemd.io/UIDS-GIDS/
_NAMELESS = range(61184, 65520)

# initdb wants a user with a name, and runs nothing of a backup.
_INITDB_USERS = ("postgres", "nobody")

# On disk, and open to every user.
_OPEN_TO_ALL = Path("/var/tmp")  # noqa: S108 - what is made there is made by mkdir, 0700, with a name that is random

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
    :param user: the operating system's user that runs it when we are root, or None for one that owns nothing.
    """

    bin_dir: str | None = None
    directory: Path | None = None
    user: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A cluster to be made.

    :param parent: the directory that its own is made in.
    :param account: as in :class:`commands.Command`.
    :param globals_script: makes its roles and tablespaces.
    :param libraries: for shared_preload_libraries; left out when they do not load.
    """

    tools: pg_tools.Tools
    parent: Path
    account: Account | None
    globals_script: bytes
    libraries: str = ""


def for_backup(options: Options, directory: Path, manifest: Manifest) -> Wanted:
    """The cluster that a backup is proven in: its major, its roles, its libraries.

    :raises Refused: a program is missing, there is no user to run it, or no room.
    """
    root = directory.parent.parent
    beside = root / RUNS / manifest.run_id
    account = _account(options)
    wanted = Wanted(
        tools=client_tools.find(Target({}, "", bin_dir=options.bin_dir), manifest.server_major),
        parent=_parent(options, beside if beside.is_dir() else directory.parent, account),
        account=account,
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
    account = _account(options)
    return Wanted(
        tools=client_tools.find(Target({}, "", bin_dir=options.bin_dir), major),
        parent=_parent(options, archive.parent, account),
        account=account,
        globals_script=globals_script,
    )


def _account(options: Options) -> Account | None:
    """Who runs the cluster: ourselves, or, when that is root, who was named, or a user who owns nothing.

    :raises BadRequest: another user was named, and this process is not root.
    :raises Refused: there is no such user.
    """
    if os.geteuid() != 0:
        if options.user and options.user != pwd.getpwuid(os.geteuid()).pw_name:
            raise BadRequest("Only root can run an instance as another user.", remedy="Leave instance_user out.")
        return None
    return _named(options.user) if options.user else _nameless()


def _named(name: str) -> Account:
    with suppress(KeyError):
        found = pwd.getpwnam(name)
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid)
    raise Refused(
        f"PostgreSQL does not run as root, and there is no other user {name} to run it.",
        remedy="Name another one in instance_user, or leave it out.",
    )


def _nameless() -> Account:
    """
    :raises Refused: each number has a name or a process.
    """
    for uid in secrets.SystemRandom().sample(_NAMELESS, len(_NAMELESS)):
        account = Account(uid, uid)
        if _is_nameless(account) and not commands.processes_of(account):
            return account
    raise Refused("There is no free user for a temporary instance.", remedy="Name one in instance_user.")


def _is_nameless(account: Account) -> bool:
    with suppress(KeyError):
        return account.uid in _NAMELESS and not pwd.getpwuid(account.uid)
    return account.uid in _NAMELESS


def place(directory: Path | None, beside: Path) -> Path:
    """Where a cluster goes: where it was told to, else beside the backup, or, as another user's than ours, /var/tmp.

    :param directory: where it was told to, or None.
    """
    return directory or (_OPEN_TO_ALL if os.geteuid() == 0 else beside)


def _parent(options: Options, beside: Path, account: Account | None) -> Path:
    """
    :raises Refused: there is no such place, or its user cannot reach it.
    """
    found = place(options.directory, beside)
    if found.is_dir() and (account is None or _reaches(account, found)):
        return found
    who = f"the user {account.uid if account else os.geteuid()}"
    raise Refused(
        f"A temporary instance of {who} cannot reach {found}.",
        remedy="Name a directory in instance_directory that every user can enter (mode 0711).",
    )


def _reaches(account: Account, path: Path) -> bool:
    """By the mode bits; an access control list that says otherwise is not read."""
    return all(_enters(account, directory.stat()) for directory in (path, *path.parents))


def _enters(account: Account, facts: os.stat_result) -> bool:
    if facts.st_uid == account.uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == account.gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


@contextmanager
def running(wanted: Wanted, found: Found, *, as_superuser: bool) -> Iterator[Target]:
    """A cluster for the time of the block; the way to it of a role that restores.

    :param as_superuser: as its superuser, with what the globals give to each role; else as a role that is none
        (:mod:`restorer`), where the roles of the backup have no rights but those of their memberships.

    :raises Damaged: the globals are not enough to make its roles and tablespaces.
    :raises PgsafeError: it could not be made or started.
    """
    initdb, postgres = _program(wanted, "initdb"), _program(wanted, "postgres")
    _sweep(wanted, found)
    superuser, owner, script = _globals(wanted, as_superuser)
    password = secrets.token_hex(32)
    with _directory(wanted) as home, _socket_directory(wanted) as socket:
        with found.timed("initdb"):
            _initdb(wanted, initdb, home, superuser, password)
        params = {"host": str(socket), "port": _PORT, "user": superuser, "password": password}
        # A restore runs it anyway; what it may do is the choice of the caller.
        target = Target(params, "postgres", trust_owner=True)
        with _serving(wanted, postgres, home, target, found):
            with found.timed("globals"):
                _make_globals(wanted, target, script)
                chosen = target if as_superuser else restorer.in_cluster(target, owner)
            yield chosen


def _globals(wanted: Wanted, as_superuser: bool) -> tuple[str, str, bytes]:
    """The superuser to bootstrap with, that of the backup, and the script that makes the roles and tablespaces.

    One of a random name leaves those of the backup to roles that are no superusers.
    """
    try:
        superuser = server_globals.first_superuser(wanted.globals_script)
    except ValueError as error:
        raise Damaged(GLOBALS, str(error)) from error
    if as_superuser:
        return superuser, superuser, server_globals.for_temporary_instance(wanted.globals_script, superuser)
    try:
        script = server_globals.names_alone(wanted.globals_script)
    except ValueError as error:
        raise Damaged(GLOBALS, f"does not make the roles and tablespaces: {error}") from error
    return f"pgsafe_{secrets.token_hex(8)}", superuser, script


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
    """The cluster's own directory: owned by this user, locked while this process lives, removed in any case."""
    with signals.made(partial(_new_directory, wanted.parent), files.remove_tree) as home:
        safe_paths.require(home)
        with Journal(home).held():
            if wanted.account:
                files.let_through(home)
            yield home


def _new_directory(parent: Path) -> Path:
    home = parent / f"{_PREFIX}{secrets.token_hex(8)}"
    files.make_directory(home)
    return home


@contextmanager
def _socket_directory(wanted: Wanted) -> Iterator[Path]:
    """The socket's own directory, 0700: a path below the backup may be longer than a socket's can be."""
    with signals.made(lambda: Path(tempfile.mkdtemp(prefix=_SOCKETS)), files.remove_tree) as directory:
        if wanted.account:
            files.give(directory, wanted.account.uid, wanted.account.gid)
        yield directory


def _initdb(wanted: Wanted, program: str, home: Path, superuser: str, password: str) -> None:
    """No other user reaches the socket, but the SQL in the cluster may: it cannot come back as the superuser."""
    data, account = home / _DATA, _of_initdb(wanted.account)
    files.make_directory(data)
    with _password_file(home, password, account) as password_file:
        if account:
            files.give(data, account.uid, account.gid)
        argv = pg_tools.new_cluster(program, str(data), superuser, str(password_file))
        commands.run(commands.Command(argv, cwd=str(home), time_limit=_STEP_SECONDS, account=account))
    if wanted.account:
        files.give_tree(data, wanted.account.uid, wanted.account.gid)


@contextmanager
def _password_file(home: Path, password: str, account: Account | None) -> Iterator[Path]:
    path = home / _PASSWORD
    files.write_text(path, f"{password}\n")
    try:
        if account:
            files.give(path, account.uid, account.gid)
        yield path
    finally:
        files.remove(path)


def _of_initdb(account: Account | None) -> Account | None:
    """
    :raises Refused: there is no user of a name.
    """
    if account is None or not _is_nameless(account):
        return account
    for name in _INITDB_USERS:
        with suppress(Refused):
            return _named(name)
    raise Refused(f"There is no user {' or '.join(_INITDB_USERS)} to run initdb.", remedy="Name one in instance_user.")


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
        pg_tools.serve(program, str(home / _DATA), settings),
        cwd=str(home),
        time_limit=_START_SECONDS,
        account=wanted.account,
        # An immediate shutdown: what it would write out before another one is thrown away anyway.
        ending=signal.SIGQUIT,
    )
    try:
        with commands.serving(command, lambda: _answers(target)):
            yield
    finally:
        with signals.passed_over():
            _end_nameless(wanted.account)


def _end_nameless(account: Account | None) -> None:
    """Whatever the SQL has started goes with its server; of a user with a name, other processes would go too."""
    if account and _is_nameless(account):
        commands.end_all_of(account)


def _answers(target: Target) -> bool:
    try:
        with session(target, purpose="verify"):
            return True
    except ConnectionFailed:
        return False


def _make_globals(wanted: Wanted, target: Target, script: bytes) -> None:
    client_tools.require_restricting(wanted.tools)
    argv = pg_tools.run_script(wanted.tools, ["-"], single_transaction=False)
    command = commands.Command(argv, environment(target, purpose="verify"), time_limit=_STEP_SECONDS)
    try:
        commands.write_from(command, scripts.restricted(iter([script])))
    except CommandFailed as error:
        raise Damaged(GLOBALS, f"does not make the roles and tablespaces: {error.what}") from error


def _sweep(wanted: Wanted, found: Found) -> None:
    """End and remove the clusters of proofs that were killed; one whose proof lives holds its lock."""
    for home in sorted(wanted.parent.glob(f"{_PREFIX}*")):
        # One without data has perhaps been made just now, and its lock is not held yet.
        if not _is_ours(home) or not (home / _DATA).is_dir() or Journal(home).alive:
            continue
        _end_orphan(wanted, home)
        files.remove_tree(home)
        found.notes.append(f"removed what a killed proof has left: {home}")


def _is_ours(path: Path) -> bool:
    """A directory of our own, and no link to one: others may make anything in /var/tmp."""
    facts = path.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()


def _end_orphan(wanted: Wanted, home: Path) -> None:
    data = home / _DATA
    facts = data.lstat()
    account = Account(facts.st_uid, facts.st_gid) if os.geteuid() == 0 else None
    _end_nameless(account)
    if not (data / "postmaster.pid").is_file():
        return
    # Its fifth line names the socket's directory: https://www.postgresql.org/docs/current/storage-file-layout.html
    lines = files.read_text(data / "postmaster.pid").splitlines()
    stop = pg_tools.stop_cluster(_program(wanted, "pg_ctl"), str(data))
    with suppress(CommandFailed):
        commands.run(commands.Command(stop, cwd="/", time_limit=_STEP_SECONDS, account=account))
    if len(lines) > 4:
        _remove_sockets(Path(lines[4]), facts.st_uid)


def _remove_sockets(directory: Path, owner: int) -> None:
    """A directory that only the cluster's own user could have named is removed if it could be no other one."""
    ours = directory.parent == Path(tempfile.gettempdir()) and directory.name.startswith(_SOCKETS)
    with suppress(PgsafeError, FileNotFoundError):
        if ours and directory.lstat().st_uid == owner:
            files.remove_tree(directory)
