"""The plugin that pytest finds by itself: see `clarife_webhooks.testing`."""

import pytest

from clarife_webhooks.testing import Deliveries


@pytest.fixture
def clarife_webhooks_secret() -> str:
    """The signing secret that `clarife_webhooks` signs with: replace this fixture to give the one of the code under test."""
    return "whsec_c2VjcmV0LWZvci10ZXN0cw=="


@pytest.fixture
def clarife_webhooks(clarife_webhooks_secret: str) -> Deliveries:
    """Sample events and signed deliveries of clarife webhooks, by a clock that stands until it is moved."""
    return Deliveries(clarife_webhooks_secret)
