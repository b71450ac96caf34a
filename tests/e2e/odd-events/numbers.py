"""Compares the submitted and the delivered numbers of numbers.mjs, as Python and the package parse them.

python numbers.py FOLDER
"""

import json
import sys
from pathlib import Path

from clarife_webhooks import parse_trusted

folder = Path(sys.argv[1])
submitted = {event["id"]: event["data"]["numbers"] for event in map(json.loads, open(folder / "submitted.jsonl"))}
compared = 0
for line in open(folder / "delivered.jsonl"):
    numbers = submitted.pop(json.loads(line)["id"], None)
    if numbers is None:
        continue
    for read in (json.loads(line)["data"]["numbers"], parse_trusted(line.strip()).data["numbers"]):
        assert len(read) == len(numbers)
        for before, after in zip(numbers, read):
            # Python compares an int with a float exactly.
            assert before == after, f"{before!r} arrived as {after!r}"
    compared += len(numbers)
assert not submitted, f"{len(submitted)} events did not arrive"
print(f"Python: {compared} numbers arrived unchanged, parsed by json and by clarife_webhooks")
