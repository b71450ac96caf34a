"""A host of clarife-webhooks-core.wasm in Python, with Wasmtime."""

import json
import math
import struct
from pathlib import Path

from wasmtime import Instance, Module, Store


class Refused(Exception):
    """An error of the module: `code` is an error code, or None for an invalid argument."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Core:
    """An instance of the module. One thread at a time may use it."""

    def __init__(self, module: Path):
        self.abi = json.loads(module.with_suffix(".json").read_text(encoding="utf-8"))
        self.store = Store()
        self.exports = Instance(self.store, Module.from_file(self.store.engine, str(module)), []).exports(self.store)
        if self.call("abi_version") != self.abi["version"]:
            raise RuntimeError("the module and its JSON file differ in their versions")
        self.out = self.call("out")

    def call(self, name, *arguments):
        return self.exports[name](self.store, *arguments)

    def write(self, *parts: bytes):
        """Writes the input, and returns the length of each part."""
        data = b"".join(parts)
        address = self.call("reserve", len(data)) & 0xFFFFFFFF  # Wasmtime returns an i32 with its sign
        if address == 0:
            raise MemoryError("the input does not fit into the module's memory")
        self.exports["memory"].write(self.store, data, address)
        return [len(part) for part in parts]

    def result(self):
        """Returns the numbers of the last call by name, and its text. Raises the error of the call."""
        names = self.abi["numbers"]
        memory = self.exports["memory"]
        values = struct.unpack(f"<{len(names)}d", memory.read(self.store, self.out, self.out + 8 * len(names)))
        numbers = {name: int(value) for name, value in zip(names, values)}
        start = numbers["TEXT_START"]
        text = memory.read(self.store, start, start + numbers["TEXT_LENGTH"]).decode()
        verdict = numbers["VERDICT"]
        if verdict != 0:
            raise Refused(self.abi["errors"][verdict - 1] if verdict > 0 else None, text)
        return numbers, text

    def open(self, secrets, **options):
        """Creates a webhook, and returns its handle. Options that are missing have their defaults."""
        numbers = [float(options.get(name, math.nan)) for name in self.abi["options"]]
        lengths = self.write(*(secret.encode() + b"\xff" for secret in secrets))
        self.exports["memory"].write(self.store, struct.pack(f"<{len(numbers)}d", *numbers), self.out)
        handle = self.call("open", sum(lengths), len(numbers))
        self.result()
        return handle

    def verify(self, webhook, body: bytes, header, now):
        """Verifies a body, with a header in bytes or None. Returns the texts of the event's members in JSON."""
        lengths = self.write(body, header or b"")
        self.call("verify", webhook, lengths[0], -1 if header is None else lengths[1], float(now))
        return self.event(body)

    def verify_standard(self, webhook, body: bytes, id: bytes, timestamp: bytes, signature: bytes, now):
        lengths = self.write(body, id, timestamp, signature)
        self.call("verify_standard", webhook, *lengths, float(now))
        return self.event(body)

    def event(self, body: bytes):
        numbers, _ = self.result()
        event = {"known": numbers["TYPE"] >= 0, "replay_window": numbers["REPLAY_WINDOW"]}
        for name in ("ID", "TYPE", "CREATED_AT", "DATA"):
            event[name.lower()] = body[numbers[f"{name}_START"] : numbers[f"{name}_END"]]
        return event

    def sign(self, webhook, body: bytes, timestamp):
        self.call("sign", webhook, *self.write(body), float(timestamp))
        return self.result()[1]

    def sign_standard(self, webhook, body: bytes, id: str, timestamp):
        self.call("sign_standard", webhook, *self.write(body, id.encode()), float(timestamp))
        return self.result()[1].split("\n")


if __name__ == "__main__":
    import sys
    import time

    core = Core(Path(sys.argv[1]))
    webhook = core.open(["whsec_c2VjcmV0"], tolerance=60)
    body = b'{"id":"evt_1","type":"share.created","created_at":"2026-03-28T12:00:00Z","data":{"id":"shr_1"}}'
    header = core.sign(webhook, body, int(time.time()))  # in a server, the header X-Clarife-Signature of the request
    event = core.verify(webhook, body, header.encode(), int(time.time()))
    print(json.loads(event["type"]), json.loads(event["data"]))
    core.call("close", webhook)
