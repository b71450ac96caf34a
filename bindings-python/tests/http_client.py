"""Starts the servers of receivers.py and sends requests byte by byte."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import pytest
from receivers import SECRET

TIMEOUT = 20  # seconds for a response, on a busy machine


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """A running receiver, with the files of its log and of the handled events."""

    name: str
    port: int
    runs_file: Path
    log_file: Path

    def runs(self) -> list[str]:
        return self.runs_file.read_text().split()

    def log(self) -> str:
        return self.log_file.read_text()

    def ends(self) -> list[str]:
        """Returns the ends of the handlers that waited, with the ids of their events."""
        file = self.runs_file.with_name(self.runs_file.name + ".ended")
        return file.read_text().splitlines() if file.exists() else []

    def signal(self, name: str) -> Path:
        """Signals to the waiting handlers, by a file: `resume` lets them go on, `cancel` cancels their requests."""
        file = self.runs_file.with_name(f"{self.runs_file.name}.{name}")
        file.touch()
        return file

    def send(self, head: Sequence[tuple[str, str]], pieces: Iterable[bytes], *, method: str = "POST", path: str = "/hook") -> Reply:
        """Sends a request and reads the response. `pieces` are the bytes of the body on the wire, sent one by one."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *(f"{name}: {value}" for name, value in head)]
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server responded before the end of the body
            with HTTPResponse(connection, method=method) as response:
                response.begin()
                headers = {name.lower(): value for name, value in response.getheaders()}
                return Reply(response.status, headers, response.read())

    def abort(self, request: bytes, *, until: Callable[[], bool] = lambda: True) -> None:
        """Sends the start of a request, or a whole one, waits, and resets the connection without reading a response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            head, separator, rest = request.partition(b"\r\n\r\n")
            connection.sendall(head + separator)
            if b"Expect: 100-continue" in head:
                assert b" 100 " in connection.recv(1024), "the server reads the body"
            connection.sendall(rest)
            wait(until)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def raw(self, request: bytes, *, end: bool = False) -> bytes:
        """Sends a request and returns all bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(request)
            if end:
                connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as response:
                return response.read()

    def post(self, body: bytes, *headers: tuple[str, str], path: str = "/hook") -> Reply:
        """Sends a body with Content-Length."""
        length = ("Content-Length", str(len(body)))
        return self.send([length, ("Content-Type", "application/json"), *headers], [body] if body else [], path=path)


def wait(until: Callable[[], bool]) -> None:
    """Waits for a condition."""
    end = time.monotonic() + TIMEOUT
    while not until():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)


def chunked(pieces: Iterable[bytes]) -> list[bytes]:
    """Encodes pieces as chunks of HTTP, with the last chunk."""
    return [*(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


@contextmanager
def serve(name: str, folder: Path, *, command: Sequence[str] = (), **environment: str) -> Iterator[Server]:
    """Runs a receiver in its real server, or another command, in which `{fd}` is the listening socket. The socket listens
    before the server starts: no request comes too early."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, log = Path(environment.get("RUNS", folder / "runs")), folder / "log"
    runs.touch()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, log.open("w") as output:
        receiver = [sys.executable, str(Path(__file__).with_name("receivers.py")), name, "{fd}"]
        process = subprocess.Popen(
            [argument.replace("{fd}", str(listener.fileno())) for argument in command or receiver],
            pass_fds=[listener.fileno()],
            env={**os.environ, **environment, "RUNS": str(runs)},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        server = Server(name, listener.getsockname()[1], runs, log)
        try:
            yield server
        finally:
            process.terminate()
            try:
                process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if SECRET.removeprefix("whsec_") in server.log():
        pytest.fail("the secret is in the log")
