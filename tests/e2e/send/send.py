"""Sends a signed sample event to a receiver on this machine."""

import os
import sys
from urllib.request import Request, urlopen

from clarife_webhooks.testing import sample_event, signed_request

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/webhooks/clarife"
delivery = signed_request(sample_event("document.updated"), os.environ["CLARIFE_WEBHOOK_SECRET"])
with urlopen(Request(url, delivery.body, delivery.headers)) as response:
    print(response.status, response.read().decode())
