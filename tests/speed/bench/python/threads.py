"""`threads.py <folder of bodies>`: measures one thread, and as many threads as there are cores, on one webhook.

The time of one verification is the total time divided by the number of verifications.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from clarife_webhooks import Webhook

webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def ns_per_verification(body: bytes, threads: int) -> float:
    header = webhook.sign(body)
    calls = max(4, 200_000_000 // (1500 + len(body)))  # about a fifth of a second

    def work() -> None:
        for _ in range(calls):
            webhook.verify(body, header)

    running = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return (time.perf_counter() - start) / calls / threads * 1e9


for path in sorted(Path(sys.argv[1]).glob("*-ascii.json"), key=lambda path: int(path.stem.split("-")[0])):
    for threads in (1, os.cpu_count() or 1):
        size, ns = int(path.stem.split("-")[0]), ns_per_verification(path.read_bytes(), threads)
        job = f"{threads} threads"
        print(json.dumps({"contestant": "clarife-webhooks", "job": job, "size": size, "text": "ascii", "ns": ns}))
