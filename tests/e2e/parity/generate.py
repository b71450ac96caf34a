"""Random deliveries, valid and invalid, as one JSON object per line:  python generate.py <seed> <count>

Each is close to a valid delivery, so that every check decides some of them. There are bodies with unusual JSON, damaged bodies,
headers with all kinds of mistakes, and clocks and options at their bounds. The test compares the verdicts of all languages, and
expects no particular one.
"""

import hashlib
import hmac
import json
import random
import sys

CHOICES = random.Random(int(sys.argv[1]))
pick, chance, between = CHOICES.choice, lambda part: CHOICES.random() < part, CHOICES.randint

SECRETS = ["whsec_a", "whsec_Zürich€", "s" * 200, "whsec_😀", "x y"]
BAD_SECRETS = [[], [""], [" a"], ["a\u00a0"], ["\ufeffa"], ["a\x00b"], ["a\x85"], ["\u2003a"], ["ok", "bad\n"], ["\u200ba"], ["\u180ea"], ["\"whsec_a\""], ["$SECRET"], ["undefined"], ["sub_1"], ["a\u200bb"]]
CHARACTERS = ["a", "Z", "0", '"', "\\", "\n", "é", "€", "😀", "\u2028", "\x7f", "\ud800", "\x00", "/", "\ufeff", "\ufffd"]
NAMES = ["a", "b", "__proto__", "constructor", "toString", "0", "10"]
NUMBERS = ["0", "-0", "-0.0", "1.0", "1e400", "-1e400", "1e-400", "12345678901234567890", "9007199254740993", "0.1", "1E+2", "5e-324", "1" * 400]
TYPES = ["document.updated", "share.deleted", "media.uploaded", "video.rendered", "__proto__", "toString", "document.updated ", "Document.updated"]
NOW = 1774699200
DATES = [
    "2026-03-28T12:00:00Z", "2026-03-28T12:00:00.123456789123Z", "2026-03-28t12:00:00z", "2016-12-31T23:59:60Z", "2026-03-28T12:00:00+05:30",
    "2026-03-28T12:00:00-00:00", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999999-23:59", "1969-12-31T23:59:59.9995Z",
    "2015-06-30T23:59:60.5+00:00", "2017-01-01T05:29:60+05:30", "2026-02-29T00:00:00Z", "2026-03-28 12:00:00Z", "2026-03-28T24:00:00Z",
    "2026-03-28T12:00:00", "2026-03-28T12:00:00.Z", "2026-03-28T12:00:00+24:00", "2026-03-28T12:00:60Z", "2026-03-28T12:00:00,5Z", "2026-03-28T12:00:00Z ",
]  # fmt: skip
DAMAGE = [b'"', b"\\", b",", b"{", b"[", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff", b"\x00", b" ", b"\\ud800", b"0", b"-", b"e"]
ELEMENTS = ["v0=1", "v2=", "a==b", " t =1", "T=1", "V1=0", "=", "x", "", "é=1", "v1=", "k=" + "x" * 3800, "k=" + "x" * 4096, "t=1", "\t", "v1 =0"]
TIMES = ["+1", "-1", "999999999999", "1000000000000", "", "0", "1_0", " 1", "١٢", "0x10", "1.0", "1e3"]
BLANKS = ["", " ", "\t \t", "\u00a0", "\n", "\u3000", "\ufeff", " " * 5000, "\t" * 4096, " " * 4096 + "t", "\r"]
INSERTED = ["\x00", " ", "\t", "\n", "\u00a0", "é", "😀", ",", "=", "\x7f", "g", "\ufeff", "\u2003"]


def text(most=6):
    return "".join(pick(CHARACTERS) for _ in range(between(0, most)))


def quoted(value):
    """Returns a JSON string, with or without escapes."""
    plain = json.dumps(value, ensure_ascii=False)
    return plain if chance(0.5) and not any("\ud800" <= character <= "\udfff" for character in value) else json.dumps(value)


def value(depth=0):
    kind = between(0, 8 if depth < 4 else 4)
    if kind == 0:
        return pick(["true", "false", "null"])
    if kind in (1, 2):
        return pick([*NUMBERS, repr(CHOICES.uniform(-1e30, 1e30)), f"{CHOICES.random():.25f}"])
    if kind in (3, 4):
        return quoted(text())
    if kind in (5, 6):
        return "{" + ",".join(quoted(pick([*NAMES, text(3)])) + ":" + value(depth + 1) for _ in range(between(0, 4))) + "}"
    return "[" + ",".join(value(depth + 1) for _ in range(between(0, 4))) + "]"


def name(word):
    """Returns a member's name, sometimes written with escapes."""
    return '"' + "".join(f"\\u{ord(letter):04x}" if chance(0.5) else letter for letter in word) + '"' if chance(0.05) else json.dumps(word)


def date():
    chosen = pick(DATES) if chance(0.4) else DATES[0]
    if chance(0.1):
        at = CHOICES.randrange(len(chosen))
        chosen = chosen[:at] + pick("0123456789:.-+TZz tzé") + chosen[at + 1 :]
    return chosen


def body():
    members = [
        (name("id"), quoted(pick(["evt_1", "évt", "😀", text() or "q"]))),
        (name("type"), quoted(pick(TYPES) if chance(0.95) else text())),
        (name("created_at"), quoted(date())),
        (name("data"), "{" + ",".join(quoted(text(3)) + ":" + value() for _ in range(between(0, 4))) + "}"),
    ]
    members += [(quoted(text(3)), value()) for _ in range(pick([0, 0, 1, 2]))]
    if chance(0.05):
        members.append(pick(members))
    if chance(0.05):
        members.pop(CHOICES.randrange(len(members)))
    if chance(0.05):
        at = CHOICES.randrange(len(members))
        members[at] = (members[at][0], value())
    CHOICES.shuffle(members)
    space = lambda: pick(["", "", "", " ", "\n\t", "\r\n"])
    inside = ",".join(f"{space()}{key}{space()}:{space()}{content}{space()}" for key, content in members)
    return damaged(f"{space()}{{{inside}}}{space()}".encode("utf-8", "surrogatepass"))


def damaged(raw):
    luck = CHOICES.random()
    if luck < 0.15:
        raw = bytearray(raw)
        for _ in range(between(1, 3)):
            at, way = CHOICES.randrange(len(raw)), between(0, 3)
            if way == 0:
                raw[at] = CHOICES.randrange(256)
            elif way == 1:
                raw[at] ^= 1 << between(0, 7)
            elif way == 2 and len(raw) > 4:
                del raw[at : at + between(1, 3)]
            else:
                raw[at:at] = pick(DAMAGE)
    elif luck < 0.2:
        deep = b'{"data":' + b'{"a":' * pick([126, 127, 128]) + b"1" + b"}" * 128
        raw = pick([b"", b"[]", b"null", b"1", b'"x"', b"\xef\xbb\xbf" + raw, b"[" * 200, b'{"a":' * 200, deep])
    return bytes(raw)


def header(secrets, raw, now):
    if chance(0.03):
        return None
    sign = lambda secret: hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    time = now + pick([0] * 12 + [300, 301, -300, -301, between(-1000, 1000)])
    macs = ([sign("other")] if chance(0.3) else []) + ([sign(pick(secrets))] if chance(0.95) else ["0" * 64])
    if chance(0.05):
        macs = ["0" * 64] * pick([14, 15, 16]) + macs
    if chance(0.2):
        macs = [mac.upper() for mac in macs]
    CHOICES.shuffle(macs)
    elements = [f"t={pick([str(time)] * 150 + ['0' + str(time), *TIMES])}"] + [f"v1={mac}" for mac in macs]
    elements += [pick(ELEMENTS) for _ in range(pick([0] * 12 + [1, 2]))]
    if chance(0.3):
        CHOICES.shuffle(elements)
    joined = pick([",", ",", ",", ", ", " ,\t"]).join(elements)
    luck = CHOICES.random()
    if luck < 0.04:
        at = CHOICES.randrange(len(joined) + 1)
        joined = joined[:at] + pick(INSERTED) + joined[at + between(0, 1) :]
    elif luck < 0.06:
        joined = pick(BLANKS)
    elif luck < 0.08:
        joined += " " * (pick([4095, 4096, 4097]) - len(joined))
    return joined


def delivery():
    secrets = CHOICES.sample(SECRETS, between(1, 3))
    now = pick([NOW] * 6 + [0, -1, 2**53 - 1, -(2**53 - 1), NOW + between(-2000, 2000)])
    raw = body()
    signature = header(secrets, raw, now if abs(now) < 10**12 else NOW)
    return {
        "secrets": pick(BAD_SECRETS) if chance(0.03) else secrets,
        "body": raw.hex(),
        "signature": signature,
        "now": now,
        "tolerance": pick([None] * 4 + [0, 1, 300, 1000, 2**53 - 1]),
        "maxEventAge": pick([None] * 4 + [0, 900, 1, 2**53 - 1, 86400 * 365 * 3000]),
    }


for _ in range(int(sys.argv[2])):
    print(json.dumps(delivery()))
