"""Checks an installed `clarife-sender`: one process listens, another sends to it.

    python smoke_sender.py <command…>           for example: python smoke_sender.py npx clarife-sender
    python smoke_sender.py --archive <file>     the program in an archive of a release

A container needs `--network host`, and `--init` to end with its client.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = "clarife-sender", "clarife-sender.exe"
SECRET = "whsec_c21va2Utc21va2Utc21va2Utc21va2U"
OTHER_SECRET = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI"


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or (arguments[0] == "--archive" and len(arguments) != 2):
        sys.exit(f"usage: {sys.argv[0]} <command…> | --archive <file>")
    if arguments[0] != "--archive":
        # Windows finds scripts such as npx only by their path.
        return check([shutil.which(arguments[0]) or arguments[0], *arguments[1:]])
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(arguments[1], folder)
        programs = [path for path in Path(folder).rglob("clarife-sender*") if path.name in PROGRAMS and path.is_file()]
        assert len(programs) == 1, f"{arguments[1]} has the programs {programs}"
        check([str(programs[0])])


def check(command: list[str]) -> None:
    """Checks the program that a command starts."""
    version = run([*command, "--version"], 0).strip()
    assert re.fullmatch(r"clarife-sender \d+\.\d+\.\d+\S*", version), version
    with listener(command) as lines:
        url = find(lines, r"listening on (http://\S+)")[1]
        sent = run([*command, "send", url, "--secret", SECRET], 0)
        event = re.search(r'"id":\s*"(evt_[^"]+)"', sent)
        assert event and "status 200" in sent, sent
        find(lines, rf"verified document\.updated {event[1]}\b")
        assert "status 400" in run([*command, "send", url, "--secret", OTHER_SECRET], 1)
        find(lines, r"refused .*\(signature_mismatch\)")
    print(f"{version}: sent, verified and refused a delivery")


def run(command: list[str], expected: int) -> str:
    """Runs a command, and returns its output."""
    process = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    if process.returncode != expected:
        sys.exit(f"{process.stdout}{command} ended with {process.returncode}, not {expected}")
    return process.stdout


@contextlib.contextmanager
def listener(command: list[str]) -> Iterator[Iterator[str]]:
    """Starts a listener on a free port, and yields the lines that it prints."""
    process = subprocess.Popen(
        [*command, "listen", "--port", "0", "--secret", SECRET],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        assert process.stdout
        yield iter(process.stdout.readline, "")
    finally:
        # The program may be a child of the command.
        if os.name == "nt":
            subprocess.run(["taskkill", "/t", "/f", "/pid", str(process.pid)], check=True)
        else:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def find(lines: Iterator[str], pattern: str) -> re.Match[str]:
    """Reads lines until one matches."""
    read = []
    for line in lines:
        read.append(line)
        if match := re.search(pattern, line):
            return match
    sys.exit(f"the listener ended without {pattern!r}:\n{''.join(read)}")


if __name__ == "__main__":
    main()
