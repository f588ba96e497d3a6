# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs are run to their end or ended; whatever they say is read, and nothing of them stays behind."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.commands import Command
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

TINY = 0.01
# A busy machine may take longer than a user would wait for.
BUSY_SECONDS = 120.0


def _sh(script: str, **limits: float) -> Command:
    return Command(("/bin/sh", "-c", script), **limits)  # type: ignore[arg-type]  # limits are numbers, as its own are


def _py(script: str) -> Command:
    return Command((sys.executable, "-c", script))


def _alive(pid: int) -> bool:
    """Whether a process goes on; one that was just killed is given a moment to be gone."""
    for _look in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_what_a_program_says_is_kept_by_stream() -> None:
    done = commands.run(_sh("echo out; echo err >&2"))
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_a_failure_tells_the_program_its_status_and_its_last_lines() -> None:
    with pytest.raises(CommandFailed) as caught:
        commands.run(_sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i >&2; done; exit 7"))
    assert caught.value.status == 7
    assert caught.value.what.startswith("sh ended with status 7: line 2\n")
    assert caught.value.what.endswith("line 13")


def test_a_program_that_complains_on_standard_output_is_heard_too() -> None:
    with pytest.raises(CommandFailed, match="ended with status 1: no such revision"):
        commands.run(_sh("echo no such revision; exit 1"))


def test_a_program_that_died_of_a_signal_says_so() -> None:
    with pytest.raises(CommandFailed, match="was ended by signal 9") as caught:
        commands.run(_sh("kill -9 $$"))
    assert caught.value.status == -signal.SIGKILL


@pytest.mark.parametrize("run", [commands.run, commands.output])
def test_a_program_that_is_not_there_is_told_by_its_path(run: object) -> None:
    with pytest.raises(CommandFailed, match=r"/no/such/program could not be started: No such file"):
        run(Command(("/no/such/program",)))  # type: ignore[operator]  # either of the two


def test_a_directory_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandFailed, match="could not be started in /no/such/directory"):
        commands.run(Command(("/bin/true",), cwd="/no/such/directory"))


def test_variables_are_merged_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "kept")
    monkeypatch.setenv("CHANGED", "before")
    done = commands.run(Command(("/bin/sh", "-c", "echo $INHERITED $CHANGED"), {"CHANGED": "after"}))
    assert done.stdout == "kept after\n"


def test_no_shell_looks_at_the_arguments() -> None:
    argument = "$HOME `id` ; 'x' \"y\" *"
    assert commands.output(Command(("/bin/echo", argument))) == f"{argument}\n"


def test_standard_input_is_empty_unless_it_is_fed() -> None:
    assert commands.run(_sh("cat; echo end")).stdout == "end\n"


def test_a_program_runs_in_the_directory_it_was_given(tmp_path: Path) -> None:
    assert commands.run(Command(("/bin/pwd",), cwd=str(tmp_path))).stdout == f"{tmp_path}\n"


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(CommandFailed, match=r"sh did not end within 0\.01 s and was ended") as caught:
        commands.run(_sh("sleep 1000", time_limit=TINY))
    assert caught.value.status is None


def test_a_program_that_gets_nowhere_is_ended() -> None:
    with pytest.raises(CommandFailed, match=r"sh made no progress for 0\.01 s"):
        commands.run(_sh("sleep 1000", stall_limit=TINY), lambda: 7)


def test_a_reader_of_a_silent_program_ends_it() -> None:
    with pytest.raises(CommandFailed, match="made no progress"):
        commands.output(_sh("echo begun; sleep 1000", stall_limit=TINY))


def test_a_writer_to_a_program_that_does_not_read_ends_it() -> None:
    with pytest.raises(CommandFailed, match="made no progress"):
        commands.write_from(_sh("sleep 1000", stall_limit=TINY), [bytes(1 << 20)])


def test_a_slow_program_that_gets_on_is_let_go_on() -> None:
    steps = iter(range(1000))
    done = commands.run(_sh("sleep 1; echo done", stall_limit=0.5), lambda: next(steps))
    assert done.stdout == "done\n"


def test_an_error_of_the_progress_ends_the_program(tmp_path: Path) -> None:
    def stopped() -> int:
        raise KeyError

    with pytest.raises(KeyError):
        commands.run(_sh(f"echo $$ > {tmp_path}/pid; sleep 1000"), stopped)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_a_program_that_does_not_heed_an_interrupt_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE_SECONDS", 0.05)
    script = f"""
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
open('{tmp_path}/pid', 'w').write(str(os.getpid()))
print('ready', flush=True)
time.sleep(1000)
"""

    def stop(_chunk: bytes) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        commands.read_into(_py(script), stop)
    assert not _alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(("ours", "asked"), [(signal.default_int_handler, "SIGINT"), (signal.SIG_IGN, "SIGTERM")])
def test_a_program_is_asked_by_a_signal_that_it_has_not_inherited_as_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: signal.Handlers, asked: str
) -> None:
    monkeypatch.setattr(commands, "GRACE_SECONDS", BUSY_SECONDS)

    def stop(_chunk: bytes) -> None:
        raise KeyError

    script = f"""
import signal, sys, time
def told(number, frame):
    open('{tmp_path}/told', 'w').write(signal.Signals(number).name)
    sys.exit()
if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, told)
signal.signal(signal.SIGTERM, told)
print('ready', flush=True)
time.sleep(1000)
"""
    before = signal.signal(signal.SIGINT, ours)
    try:
        with pytest.raises(KeyError):
            commands.read_into(_py(script), stop)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "told").read_text() == asked


def test_a_program_may_clean_up_when_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE_SECONDS", BUSY_SECONDS)

    def stop(_chunk: bytes) -> None:
        raise KeyError

    script = f"""
import signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    print('ready', flush=True)
    time.sleep(1000)
except KeyboardInterrupt:
    open('{tmp_path}/cleaned', 'w')
"""
    with pytest.raises(KeyError):
        commands.read_into(_py(script), stop)
    assert (tmp_path / "cleaned").exists()


def test_what_a_program_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    commands.run(_sh(f"sleep 1000 >/dev/null 2>&1 & echo $! > {tmp_path}/pid"))
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_all_output_is_given_byte_for_byte() -> None:
    script = "import sys; [sys.stdout.buffer.write(bytes(range(256)) * 4096) for _ in range(3)]"
    found: list[bytes] = []
    commands.read_into(_py(script), found.append)
    assert b"".join(found) == bytes(range(256)) * 4096 * 3
    assert max(len(chunk) for chunk in found) <= commands.CHUNK_BYTES


def test_output_of_another_encoding_can_be_turned_back_into_its_bytes() -> None:
    said = commands.output(_sh(r"printf 'andr\351'"))
    assert said.encode("utf-8", "surrogateescape") == b"andr\xe9"


def test_a_program_s_failure_behind_its_output_is_seen() -> None:
    found: list[bytes] = []
    with pytest.raises(CommandFailed, match="status 1: cut"):
        commands.read_into(_sh("echo half; echo cut >&2; exit 1"), found.append)
    assert b"".join(found) == b"half\n"


def test_only_the_end_of_a_long_speech_is_kept() -> None:
    said = commands.run(_py("print('x' * 1000000); print('the end')")).stdout
    assert said.endswith("x\nthe end\n")
    assert len(said) <= commands.TAIL_BYTES


def test_a_program_gets_all_that_it_is_fed() -> None:
    done = commands.write_from(_sh("wc -c"), [b"x" * 100_000 for _number in range(30)])
    assert int(done.stdout) == 3_000_000


def test_an_error_of_the_source_ends_the_program_before_it_sees_an_end(tmp_path: Path) -> None:
    def cut() -> Iterator[bytes]:
        yield b"half of a script\n"
        raise KeyError

    with pytest.raises(KeyError):
        commands.write_from(_sh(f"cat >/dev/null; echo whole > {tmp_path}/end"), cut())
    assert not (tmp_path / "end").exists()


def test_a_program_that_stops_reading_tells_the_reason_itself() -> None:
    with pytest.raises(CommandFailed, match="status 3: syntax error"):
        commands.write_from(_sh("exec <&-; echo syntax error >&2; exit 3"), [bytes(1 << 20)] * 8)


def test_one_program_reads_what_another_prints() -> None:
    found: list[bytes] = []
    commands.read_through(_sh("echo one; echo two"), _sh("tr a-z A-Z"), found.append)
    assert b"".join(found) == b"ONE\nTWO\n"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("echo half; exit 3", "cat", "status 3"),
        ("echo whole", "cat >/dev/null; echo full >&2; exit 4", "status 4: full"),
        ("echo cut >&2; exit 3", "cat; exit 4", "status 3: cut"),
    ],
)
def test_the_failure_of_either_of_two_is_told_and_the_first_one_s_first(first: str, second: str, told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        commands.read_through(_sh(first), _sh(second), lambda _chunk: None)


def test_programs_are_found_in_the_order_of_the_directories(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "psql").touch(mode=0o755)
    (tmp_path / "first" / "pg_dump").touch(mode=0o644)
    directories = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert commands.find("psql", directories) == f"{tmp_path}/first/psql"
    assert commands.find("pg_dump", directories) is None
    assert commands.find("psql", []) is None


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_open() -> None:
    # What earlier tests have left to the collector would be closed in between.
    gc.collect()
    before = _descriptors()
    for _time in range(3):
        commands.run(_sh("echo x; echo y >&2"))
        commands.write_from(_sh("cat"), [b"x"])
        commands.read_through(_sh("echo x"), _sh("cat"), lambda _chunk: None)
        with pytest.raises(CommandFailed):
            commands.output(_sh("exit 1"))
    assert _descriptors() == before


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            ["NOTICE:  one", "psql:1.sql:2: ERROR:  no", "DETAIL:  why"],
            ["psql:1.sql:2: ERROR:  no", "DETAIL:  why", "NOTICE:  one"],
        ),
        (
            [
                "INFO begun",
                "Traceback (most recent call last):",
                '  File "x.py", line 1',
                "    f()",
                "    ^^^",
                "a.B: no",
                "[SQL: x]",
            ],
            ["a.B: no", "[SQL: x]", "INFO begun", "Traceback (most recent call last):", '  File "x.py", line 1'],
        ),
        (
            [
                "Traceback (most recent call last):",
                "  a",
                "E: 1",
                "During handling",
                "Traceback (most recent call last):",
                "  b",
                "F: 2",
            ],
            ["F: 2"],
        ),
        (["pg_restore: error: could not", "Command was: x"], ["pg_restore: error: could not", "Command was: x"]),
        (["one", "two"], ["one", "two"]),
    ],
)
def test_a_failure_begins_with_its_cause(said: list[str], shown: list[str]) -> None:
    script = "import sys; print(sys.argv[1], file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandFailed) as failure:
        commands.run(Command((sys.executable, "-c", script, "\n".join(said))))
    program = Path(sys.executable).name
    assert failure.value.what.startswith("\n".join([f"{program} ended with status 3: {shown[0]}", *shown[1:]]))


def test_a_failure_of_many_lines_begins_with_its_cause_too() -> None:
    notices = [f"NOTICE:  {number}" for number in range(40)]
    script = "import sys; print(sys.argv[1], file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandFailed) as failure:
        commands.run(Command((sys.executable, "-c", script, "\n".join([*notices, "psql:1.sql:9: ERROR:  no"]))))
    first, *further = failure.value.what.splitlines()
    assert first.endswith("psql:1.sql:9: ERROR:  no")
    assert further == notices[-12:-1]


@pytest.mark.parametrize(("script", "well"), [("pass", True), ("1 / 0", False), ("os.kill(os.getpid(), 9)", False)])
def test_a_forked_child_is_waited_for_and_its_end_is_told(script: str, well: bool) -> None:
    """In a process of one thread, as the guard's standby is."""
    program = (
        "import os\n"
        "from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands\n"
        f"print(commands.forked(lambda: exec({script!r})), end='')"
    )
    env = {"PYTHONPATH": str(COLLECTION.parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, "ZeroDivisionError" in done.stderr) == (str(well), "/" in script)


def test_what_a_program_said_before_it_was_ended_is_told() -> None:
    said: list[str] = []
    output = commands.stream(_sh("echo careful >&2; while :; do echo more; done"), said.append)
    assert next(output).startswith(b"more")
    output.close()
    assert said == ["careful\n"]
