"""Walks the vectors with clarife-webhooks-core.wasm in Wasmtime:  python vectors.py <module> <folder of the vectors>"""

import datetime
import json
import sys
from importlib.metadata import version
from pathlib import Path

from host import Core, Refused


def bytes_of(body):
    if "hex" in body:
        return bytes.fromhex(body["hex"])
    return (body["text"] if "text" in body else body["prefix"] + body["unit"] * body["count"] + body["suffix"]).encode()


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: {got!r:.200} instead of {expected!r:.200}")


def header_of(headers, name):
    """Returns the values of a header, joined by a comma, or None."""
    values = [value for key, value in headers if key.lower() == name]
    return ", ".join(values).encode() if values else None


class Walker:
    def __init__(self, core):
        self.core = core

    def open(self, options, **more):
        names = {"tolerance": "tolerance", "maxEventAge": "max_event_age"}
        chosen = {names[name]: value for name, value in options.items() if name in names}
        return self.core.open(options["secrets"], **chosen, **more)

    def outcome(self, test, action):
        """Returns the result of an action, or compares its error with the expected one."""
        try:
            result = action()
        except Refused as error:
            # The error of an invalid argument is a sentence that begins with its name.
            same("code", error.code or f"invalid_{str(error).split()[0]}", test.get("error"))
            if "where" in test:
                same("where", str(error).split("\n")[0].rpartition(" at ")[2], test["where"])
            return None
        same("error", None, test.get("error"))
        return result

    def construct(self, group, test):
        webhook = self.outcome(test, lambda: self.open(test))
        if webhook is not None:
            same("signature", self.core.sign(webhook, bytes_of(group["body"]), group["timestamp"]), test["signature"])
            self.core.call("close", webhook)

    def verify(self, group, test):
        body, headers = bytes_of(test["body"]), test.get("headers", [])
        header = header_of(headers, "x-clarife-signature")
        if test.get("signature") is not None:
            header = test["signature"].encode()
        webhook = self.open(group["webhook"])
        self.check(test, body, lambda: self.core.verify(webhook, body, header, test["now"]))
        self.core.call("close", webhook)

    def check(self, test, body, verify):
        event = self.outcome(test, verify)
        if event is None:
            return
        expected = test["event"]
        same("id", json.loads(event["id"]), expected["id"])
        same("type", json.loads(event["type"]), expected["type"])
        same("known", event["known"], expected["known"])
        same("created_at", json.loads(event["created_at"]), json.loads(body, parse_int=str)["created_at"])
        data = expected["data"].encode() if "data" in expected else body[body.index(b'"data":') + 7 : -1]
        same("data", event["data"], data)
        self.core.call("parse", *self.core.write(body))
        same("the event without verification", self.core.event(body)["data"], data)

    def sign(self, group, test):
        webhook = self.open(test)
        header = self.outcome(test, lambda: self.core.sign(webhook, bytes_of(test["body"]), test["timestamp"]))
        same("header", header, test.get("header"))
        self.core.call("close", webhook)

    def standard(self, group, test):
        if group["operation"] == "construct":
            self.outcome(test, lambda: self.open(test, standard_webhooks=1))
        elif group["operation"] == "sign":
            webhook, body = self.open(test), bytes_of(test["body"])
            sign = lambda: self.core.sign_standard(webhook, body, test["id"], test["timestamp"])
            headers = self.outcome(test, sign)
            if headers is not None:
                same("headers", headers, [test["id"], str(test["timestamp"]), test["signature"]])
        else:
            webhook, body = self.open(group["webhook"], standard_webhooks=1), bytes_of(test["body"])
            names = ("webhook-id", "webhook-timestamp", "webhook-signature")
            headers = [header_of(test["headers"], name) or b"" for name in names]
            self.check(test, body, lambda: self.core.verify_standard(webhook, body, *headers, test["now"]))

    def dedup(self, group, test):
        core, tokens = self.core, {}
        results = {number: name.lower() for name, number in core.abi["store"].items()}
        store = core.call("open_store", float(group["capacity"]))
        for step in test["steps"]:
            id = step["id"] if isinstance(step["id"], str) else bytes_of(step["id"]).decode()
            [length] = core.write(id.encode())
            now, ttl = 1711612800000.0 + step.get("at", 0), float(step.get("ttl", 0))
            if step["step"] == "claim":
                claim = core.call("claim", store, length, now, ttl)
                tokens[step.get("token")] = claim
                same("claim", results.get(claim, "new"), step["expect"])
            elif step["step"] == "complete":
                done = core.call("complete", store, length, now, ttl)
                same("complete", "ok" if done == 0 else results[done], step["expect"])
            elif step["step"] == "release":
                core.call("release", store, length, tokens[step["token"]])
            else:
                core.call("key", length)
                same("key", core.result()[1], step["key"])
        core.call("close", store)

    def hmac(self, group, test):
        """Walks HMAC through `verify`, for the keys that can be secrets. None of the messages is an event."""
        key, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
        try:
            webhook = self.core.open([key.decode()])
        except (UnicodeDecodeError, Refused):
            return False
        error = "malformed_payload" if test["result"] == "valid" else "signature_mismatch"
        expected = {"error": error if len(tag) == 32 else "malformed_signature"}
        self.outcome(expected, lambda: self.core.verify(webhook, message, f"t=0,v1={tag.hex()}".encode(), 0))
        self.core.call("close", webhook)


FILES = {name: name for name in ("construct", "verify", "sign", "standard", "dedup")}
FILES |= {name: "verify" for name in ("envelope", "types", "headers")} | {"hmac_sha256": "hmac"}


def main(module, folder):
    walker, passed, failed = Walker(Core(module)), {}, []
    for name, walk in FILES.items():
        file = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        walked = passed[name] = 0
        for group in file["testGroups"]:
            for test in group["tests"]:
                walked += 1
                try:
                    passed[name] += getattr(walker, walk)(group, test) is not False
                except Exception as error:
                    got = f"{type(error).__name__}: {error}"
                    failed.append({"file": name, "tcId": test["tcId"], "comment": test["comment"], "got": got})
        if walked != file["numberOfTests"] or passed[name] == 0:
            got = f"{walked} walked, {passed[name]} passed, {file['numberOfTests']} in the file"
            failed.append({"file": name, "tcId": 0, "comment": "number of cases", "got": got})
    report = {"runtime": "wasmtime", "version": version("wasmtime"), "passed": passed, "failed": failed}
    print(json.dumps(report))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
