"""Installs the Python package into an empty environment, and checks it there in a new process.

    python smoke.py <wheel, sdist, folder of wheels, or name>
    python smoke.py --installed         without pip, with this interpreter

From a folder, pip takes the wheel that fits this interpreter.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from wsgiref.simple_server import make_server

SECRET = "whsec_c21va2Utc21va2Utc21va2Utc21va2U"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?")
    parser.add_argument("--installed", action="store_true")
    arguments = parser.parse_args()
    if arguments.installed == (arguments.spec is not None):
        parser.error("pass either a package or --installed")
    if arguments.installed:
        check()
    else:
        install_and_check(arguments.spec)


def install_and_check(spec: str) -> None:
    """Installs a package, and runs the check in the new environment."""
    path = Path(spec)
    package = [str(path.resolve())] if path.exists() else [spec]
    if path.is_dir():
        package = ["--no-index", "--only-binary", ":all:", "--find-links", *package, "clarife-webhooks"]
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "Scripts/python.exe" if os.name == "nt" else "bin/python")
        for command in (
            [sys.executable, "-m", "venv", folder],
            [python, "-m", "pip", "--disable-pip-version-check", "install", *package],
            [python, "-I", Path(__file__).resolve(), "--installed"],
        ):
            status = subprocess.run(command, cwd=folder).returncode
            if status:
                sys.exit(status)


def check() -> None:
    """Checks the package of this interpreter."""
    from clarife_webhooks import Webhook, WebhookError
    from clarife_webhooks.testing import sample_event, signed_request

    webhook = Webhook(SECRET)
    request = signed_request(sample_event("document.updated", data={"title": "Smoke"}), webhook)
    tampered = request.body.replace(b"Smoke", b"Fire")
    assert webhook.verify(request.body, request.headers).data["title"] == "Smoke"
    try:
        webhook.verify(tampered, request.headers)
    except WebhookError as error:
        assert error.code == "signature_mismatch" and "raw body" in error.hint, error
    else:
        sys.exit("a tampered delivery was accepted")
    try:
        Webhook(os.environ.get("NO_SUCH_SECRET"))
    except WebhookError as error:
        assert error.code == "invalid_secret" and "CLARIFE_WEBHOOK_SECRET" in f"{error} {error.hint}", error
    else:
        sys.exit("a missing secret was accepted")
    if sys.platform == "emscripten":
        print("no delivery over HTTP: Pyodide has no sockets")
    else:
        check_server(webhook, request.headers, [(request.body, 200), (tampered, 400)])

    # Python switches the GIL on again for a module that does not support its absence.
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not sys._is_gil_enabled(), "the package needs the GIL"
    name = f"{platform.python_implementation()} {platform.python_version()}"
    threads = ", free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    print(f"clarife-webhooks {version('clarife-webhooks')}: {name}{threads}, {sysconfig.get_platform()}")


def check_server(webhook: object, headers: dict[str, str], deliveries: list[tuple[bytes, int]]) -> None:
    """Checks deliveries over HTTP to the WSGI application."""
    from clarife_webhooks.wsgi import receiver

    titles: list[str] = []
    errors: list[str] = []

    def handle(event: object) -> None:
        titles.append(event.data["title"])

    def on_error(error: Exception, context: object) -> None:
        errors.append(error.code)

    with make_server("127.0.0.1", 0, receiver(webhook, handle, on_error=on_error)) as server:
        for body, expected in deliveries:
            thread = threading.Thread(target=server.handle_request, daemon=True)
            thread.start()
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
            connection.request("POST", "/webhooks/clarife", body, headers)
            response = connection.getresponse()
            assert response.status == expected, (response.status, response.read())
            connection.close()
            thread.join()
    assert (titles, errors) == (["Smoke"], ["signature_mismatch"]), (titles, errors)


if __name__ == "__main__":
    main()
