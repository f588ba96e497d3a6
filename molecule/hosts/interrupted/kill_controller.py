"""kill_controller.py COMMAND: run a playbook, kill it while its migration sleeps, and wait for the guard to end."""

from __future__ import annotations

import subprocess
import sys
import time

CONTAINER = "pgsafe-fleet-staging-members"
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%' AND state = 'active'"
LIMIT_SECONDS = 300.0


def in_container(*command: str) -> subprocess.CompletedProcess[str]:
    """What a command prints there; its exit status is the caller's to read."""
    argv = ["podman", "exec", "-u", "postgres", CONTAINER, *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def asleep() -> bool:
    """Whether the migration is in the middle of its file."""
    return in_container("psql", "-XAtqc", ASLEEP).stdout.strip() == "1"


def guarded() -> bool:
    """Whether there is a process of a guard."""
    return in_container("pgrep", "--full", "/guard_[0-9a-f]+ (guard|work)").returncode == 0


def main() -> int:
    """0 when the playbook was killed and the guard has ended."""
    deadline = time.monotonic() + LIMIT_SECONDS
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as controller:
        while not asleep():
            if controller.poll() is not None or time.monotonic() > deadline:
                controller.kill()
                print(controller.stdout.read() if controller.stdout else "", file=sys.stderr)
                return 1
            time.sleep(0.2)
        controller.kill()
    while guarded():
        if time.monotonic() > deadline:
            print("The guard has not ended.", file=sys.stderr)
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
