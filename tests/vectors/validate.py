"""Validates the vector files against their schema, and the JSON Schema of events against the vectors of typed access."""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

VECTORS = pathlib.Path(__file__).parent
EVENTS = VECTORS.parent.parent / "core/schema/events.schema.json"


def load(path: pathlib.Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> int:
    problems = []
    files = Draft202012Validator(load(VECTORS / "schema.json"))
    paths = sorted(set(VECTORS.glob("*.json")) - {VECTORS / "schema.json"})
    for path in paths:
        problems += [f"{path.name}: {error.json_path}: {error.message:.200}" for error in files.iter_errors(load(path))]
    events = Draft202012Validator(load(EVENTS))
    compared = 0
    for group in load(VECTORS / "types.json")["testGroups"]:
        for test in group["tests"]:
            if "resource" in test:
                compared += 1
                if events.is_valid(json.loads(test["body"]["text"])) != (test["resource"]["error"] is None):
                    problems.append(f"types.json, {test['tcId']}: the schema of events disagrees: {test['comment']}")
    for problem in problems:
        print(problem)
    print(f"{len(paths)} files and {compared} events are valid" if not problems else f"{len(problems)} problems")
    return 1 if problems or compared < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
