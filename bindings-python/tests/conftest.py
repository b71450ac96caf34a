"""Configuration of pytest. The tests run against the installed wheel, never against the working tree."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration, settings

import clarife_webhooks

# hypothesis writes no files into the working tree, and no test depends on the load of the machine.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir(), "hypothesis"))
settings.register_profile("project", database=None, deadline=None, print_blob=True)
settings.load_profile("project")


def pytest_sessionstart() -> None:
    if "site-packages" not in Path(clarife_webhooks.__file__).parts:
        pytest.exit(f"install the wheel first: this is {clarife_webhooks.__file__}", returncode=2)
