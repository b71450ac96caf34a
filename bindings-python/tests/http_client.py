"""Starts the servers of receivers.py and sends requests byte by byte."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
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

    def raw(self, request: bytes) -> bytes:
        """Sends a request and returns all bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as response:
                return response.read()

    def post(self, body: bytes, *headers: tuple[str, str], path: str = "/hook") -> Reply:
        """Sends a body with Content-Length."""
        length = ("Content-Length", str(len(body)))
        return self.send([length, ("Content-Type", "application/json"), *headers], [body] if body else [], path=path)


def chunked(pieces: Iterable[bytes]) -> list[bytes]:
    """Encodes pieces as chunks of HTTP, with the last chunk."""
    return [*(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


@contextmanager
def serve(name: str, folder: Path, **environment: str) -> Iterator[Server]:
    """Runs a receiver in its real server. The socket listens before the server starts: no request comes too early."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, log = Path(environment.get("RUNS", folder / "runs")), folder / "log"
    runs.touch()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, log.open("w") as output:
        command = [sys.executable, str(Path(__file__).with_name("receivers.py")), name, str(listener.fileno())]
        process = subprocess.Popen(
            command,
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
