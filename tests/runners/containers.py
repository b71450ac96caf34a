"""A request's headers in all containers of Python's standard library."""

import io
import sys
from email.message import Message
from types import MappingProxyType
from wsgiref.headers import Headers as WsgiHeaders


def grouped(pairs, key):
    groups = {}
    for name, value in pairs:
        groups.setdefault(key(name), []).append(value)
    return groups


def joined(groups, comma=", "):
    return {name: comma.join(values) for name, values in groups.items()}


def environ(pairs):
    """Returns an environ of PEP 3333: names in capitals, several values joined, and objects of other types."""
    values = joined(grouped(pairs, lambda name: name.upper().replace("-", "_")), ",")
    bare = ("CONTENT_TYPE", "CONTENT_LENGTH")
    headers = {name if name in bare else f"HTTP_{name}": value for name, value in values.items()}
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        **headers,
    }


def message(pairs):
    """Returns a message of `http.server` and `http.client`, in which names may repeat and `get` returns the first."""
    found = Message()
    for name, value in pairs:
        found[name] = value
    return found


class Items:
    """A minimal container of headers."""

    def __init__(self, pairs):
        self.pairs = pairs

    def items(self):
        return iter(self.pairs)


def containers(pairs):
    pairs = [(name, value) for name, value in pairs]
    exact = grouped(pairs, lambda name: name)
    lower = grouped(pairs, str.lower)
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    yield "a dict", joined(exact)
    yield "a dict in lower case", joined(lower)
    yield "a dict of lists", exact
    yield "a dict of tuples", {name: tuple(values) for name, values in lower.items()}
    yield "a dict of bytes", {name: value.encode("latin-1") for name, value in joined(exact).items()}
    yield "a read-only mapping", MappingProxyType(joined(exact))
    yield "an environ of WSGI", environ(pairs)
    yield "the byte pairs of ASGI", encoded
    yield "the byte pairs of ASGI as lists", [list(pair) for pair in encoded]
    yield "pairs of text", pairs
    yield "an email.message.Message", message(pairs)
    yield "wsgiref's Headers", WsgiHeaders(list(pairs))
    yield "an object with items()", Items(pairs)
    values = lower.get("x-clarife-signature", [])
    if len(values) == 1:
        yield "the value", values[0]
        yield "the value in bytes", values[0].encode("latin-1")
