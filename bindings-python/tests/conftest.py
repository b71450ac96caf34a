"""The tests run against the installed wheel, never against the working tree."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration, settings

import clarife_webhooks

# No files in the working tree, and no verdict that depends on how busy the machine is.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir(), "hypothesis"))
settings.register_profile("project", database=None, deadline=None, print_blob=True)
settings.load_profile("project")


def pytest_sessionstart() -> None:
    if "site-packages" not in Path(clarife_webhooks.__file__).parts:
        pytest.exit(f"install the wheel first: this is {clarife_webhooks.__file__}", returncode=2)
