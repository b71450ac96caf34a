"""mypy checks the package, programs that use it, and the stub of the native module.

Programs under typing/ mark expected errors with `# type: ignore[…]`. A missing error fails the test too.
`cargo xtask test` runs pyright on the same programs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CONFIG = PROJECT / "pyproject.toml"
CHECKS = {
    "the package": ["mypy", "--config-file", str(CONFIG), "--package", "clarife_webhooks"],
    "programs": ["mypy", "--config-file", str(CONFIG), str(PROJECT / "tests/typing")],
    "these tests": ["mypy", "--config-file", str(CONFIG), "--ignore-missing-imports", *map(str, PROJECT.glob("tests/*.py"))],
    "the stub": [
        "mypy.stubtest", "clarife_webhooks", "--mypy-config-file", str(CONFIG),
        "--allowlist", str(PROJECT / "tests/typing/stubtest-allowlist.txt"), "--ignore-unused-allowlist",
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", CHECKS)
def test_mypy(what: str, tmp_path: Path) -> None:
    # In an empty folder, mypy can only find the installed package.
    result = subprocess.run([sys.executable, "-m", *CHECKS[what]], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_is_marked_as_typed() -> None:
    import clarife_webhooks

    assert (Path(clarife_webhooks.__file__).parent / "py.typed").exists()
