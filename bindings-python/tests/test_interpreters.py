"""Several interpreters in one process: the first one to import the package has it, and every other one gets an ImportError.

Applications of mod_wsgi and uWSGI have an interpreter each. From Python 3.12 on, Python itself refuses the import.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from http_client import serve, wait
from receivers import SECRET
from test_adapters import body_of, signed

import clarife_webhooks

# The wheel is the same for every version.
PYTHONS = [sys.executable, "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"]
FOLDER = Path(clarife_webhooks.__file__).parents[1]

HELPERS = """
import sys
try:
    import _interpreters as interpreters  # Python 3.13 and later
except ImportError:
    import _xxsubinterpreters as interpreters

def run(code):
    interpreter = interpreters.create()
    failure = interpreters.run_string(interpreter, code)
    assert failure is None, failure
    interpreters.destroy(interpreter)

VERIFY = '''
from clarife_webhooks import Webhook, WebhookError
webhook = Webhook("whsec_c2VjcmV0")
body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"n":1}}'
assert webhook.verify(body, webhook.sign(body)).data == {"n": 1}
try:
    webhook.verify(b"{}", None)
except WebhookError as error:
    assert error.code == "missing_signature"
else:
    raise AssertionError
'''
REFUSED = '''
try:
    import clarife_webhooks
except ImportError as error:
    text = str(error)
    assert "interpreter" in text and "\\\\n" not in text, text
else:
    raise AssertionError("imported")
'''
"""
FIRST = HELPERS + """
exec(VERIFY)
for _ in range(5):
    run(REFUSED)
    exec(VERIFY)
"""
LATER = HELPERS + """
run(VERIFY if sys.version_info < (3, 12) else REFUSED)
for _ in range(5):
    run(REFUSED)
exec(REFUSED if sys.version_info < (3, 12) else VERIFY)
"""


def python(program: str, code: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONFAULTHANDLER": "1"}
    if shutil.which("pyenv"):  # with it, a version must be selected before its program is found
        versions = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout.split()
        environment["PYENV_VERSION"] = ":".join(versions)
    if not shutil.which(program) or subprocess.run([program, "-c", ""], env=environment, capture_output=True).returncode:
        pytest.skip(f"there is no {program}")
    result = subprocess.run([program, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("program", PYTHONS, ids=os.path.basename)
def test_the_main_interpreter_is_the_first(program: str) -> None:
    python(program, FIRST)


@pytest.mark.parametrize("program", PYTHONS, ids=os.path.basename)
def test_the_first_interpreter_has_ended(program: str) -> None:
    python(program, LATER)


APPLICATION = f"""
from clarife_webhooks import Webhook
from clarife_webhooks.wsgi import receiver
application = receiver(Webhook({SECRET!r}), lambda event: None)
"""


@pytest.mark.parametrize("single", [False, True])
def test_two_applications_of_uwsgi(single: bool, tmp_path: Path) -> None:
    """uWSGI gives each application an interpreter, unless it runs with `--single-interpreter`. It does not go on after an
    application that it cannot load, whatever the reason."""
    command = [str(Path(sys.executable).with_name("uwsgi")), "--http-socket", "fd://{fd}", "--die-on-term", "--master"]
    command += ["--virtualenv", sys.prefix, "--manage-script-name", *(["--single-interpreter"] if single else [])]
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(APPLICATION)
        command += ["--mount", f"/{name}={tmp_path / name}.py"]
    with serve("uwsgi", tmp_path, command=command) as server:
        body = body_of()
        if single:
            for name in ("one", "two"):
                assert server.post(body, signed(body), path=f"/{name}/hook").status == 200, server.log()
        else:
            wait(lambda: "ImportError: cannot import clarife_webhooks: another interpreter" in server.log())
    assert "Segmentation" not in server.log()
