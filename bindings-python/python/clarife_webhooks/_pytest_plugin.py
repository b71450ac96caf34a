"""The plugin that pytest loads automatically: see `clarife_webhooks.testing`."""

import pytest

from clarife_webhooks.testing import Deliveries


@pytest.fixture
def clarife_webhooks_secret() -> str:
    """The signing secret of `clarife_webhooks`. Override this fixture with the secret of the code under test."""
    return "whsec_c2VjcmV0LWZvci10ZXN0cw=="


@pytest.fixture
def clarife_webhooks(clarife_webhooks_secret: str) -> Deliveries:
    """Sample events and signed deliveries of clarife webhooks, with a clock that only the test moves."""
    return Deliveries(clarife_webhooks_secret)
