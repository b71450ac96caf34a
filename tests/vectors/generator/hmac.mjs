// HMAC-SHA256 in Wycheproof's format, through the code path of `verify`.
import { createHmac } from "node:crypto";

import { VectorFile } from "./file.mjs";

const of = (byte, count) => byte.repeat(count);
const ascii = (value) => Buffer.from(value, "ascii").toString("hex");

// RFC 4231, section 4: key, data, HMAC-SHA-256. The tags are copied from the RFC, and a wrong one stops the generator.
const RFC_4231 = [
  ["RFC 4231, case 1: a key of 20 bytes", of("0b", 20), ascii("Hi There"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
  ["RFC 4231, case 2: a key shorter than the tag", ascii("Jefe"), ascii("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
  ["RFC 4231, case 3: key and data together longer than 64 bytes", of("aa", 20), of("dd", 50),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
  ["RFC 4231, case 4: a key of 25 bytes", Buffer.from(Array.from({ length: 25 }, (_, n) => n + 1)).toString("hex"), of("cd", 50),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
  ["RFC 4231, case 5: the tag cut to 128 bits", of("0c", 20), ascii("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"],
  ["RFC 4231, case 6: a key longer than a block", of("aa", 131), ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"],
  ["RFC 4231, case 7: key and data longer than a block", of("aa", 131),
    ascii("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."),
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"],
];

const tagOf = (key, msg) => createHmac("sha256", Buffer.from(key, "hex")).update(Buffer.from(msg, "hex")).digest("hex");

export function hmac() {
  const file = new VectorFile(
    "hmac_sha256",
    [
      "HMAC-SHA256 in the format of Wycheproof's MAC files: key, msg and tag in hex, sizes in bits.",
      "A tag shorter than 256 bits is compared with the first bits of the computed tag.",
    ],
    {
      Rfc4231: "Published in RFC 4231.",
      KeySize: "Keys around the hash's block of 64 bytes, and the empty key.",
      MessageSize: "Messages around the hash's block and its padding.",
      ModifiedTag: "A tag with a bit changed: the whole tag must be compared.",
      ModifiedInput: "The tag of another key or message.",
    },
  );
  let group = "";
  const add = (comment, flags, key, msg, tag, result = "valid") => {
    const sizes = { type: "MacTest", keySize: key.length * 4, tagSize: tag.length * 4 };
    if (group !== (group = JSON.stringify(sizes))) file.group(sizes);
    file.test(comment, flags, { key, msg, tag }, result);
  };

  for (const [comment, key, msg, tag] of RFC_4231) {
    if (!tagOf(key, msg).startsWith(tag)) throw new Error(`${comment}: the tag is not what node:crypto computes`);
    add(comment, "Rfc4231", key, msg, tag);
  }
  const msg = ascii('{"id":"evt_1"}');
  for (const size of [0, 1, 31, 32, 63, 64, 65, 127, 128, 1000]) {
    const key = of("5a", size);
    add(`a key of ${size} bytes`, "KeySize", key, msg, tagOf(key, msg));
  }
  const key = Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7 + 3)).toString("hex");
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 1023]) {
    add(`a message of ${size} bytes`, "MessageSize", key, of("61", size), tagOf(key, of("61", size)));
  }
  const tag = tagOf(key, msg);
  const flip = (bit) => {
    const bytes = Buffer.from(tag, "hex");
    bytes[bit >> 3] ^= 1 << (bit & 7);
    return bytes.toString("hex");
  };
  for (const bit of [0, 7, 8, 63, 64, 127, 128, 200, 255]) {
    add(`bit ${bit} of the tag changed`, "ModifiedTag", key, msg, flip(bit), "invalid");
  }
  add("the tag of zeros", "ModifiedTag", key, msg, of("00", 32), "invalid");
  add("the tag's first half right, the second zeros", "ModifiedTag", key, msg, tag.slice(0, 32) + of("00", 16), "invalid");
  add("the tag's second half right, the first zeros", "ModifiedTag", key, msg, of("00", 16) + tag.slice(32), "invalid");
  add("the tag of another message", "ModifiedInput", key, `${msg}00`, tag, "invalid");
  add("the tag of another key", "ModifiedInput", key.replace(/^../, "00"), msg, tag, "invalid");
  add("a longer key, beside the tag of a shorter one", "ModifiedInput", of("5a", 65), msg, tagOf(of("5a", 64), msg), "invalid");
  return file;
}
