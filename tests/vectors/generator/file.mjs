// A vector file: groups of numbered tests, each with a comment and explained flags.
export const FORMAT = "clarife-webhooks-vectors/1";

export class VectorFile {
  #tests = [];
  #groups = [];

  constructor(kind, header, notes) {
    Object.assign(this, { kind, header, notes });
  }

  /** Starts a group, whose fields apply to all its tests. */
  group(fields) {
    this.#groups.push({ ...fields, tests: [] });
    return this;
  }

  /** Adds a test: `inputs` before the verdict, `expected` after it. */
  test(comment, flags, inputs, result, expected = {}) {
    const test = { tcId: this.#tests.length + 1, comment, flags: [].concat(flags), ...inputs, result, ...expected };
    this.#tests.push(test);
    this.#groups.at(-1).tests.push(test);
    return this;
  }

  valid(comment, flags, inputs, expected) {
    return this.test(comment, flags, inputs, "valid", expected);
  }

  invalid(comment, flags, inputs, expected) {
    return this.test(comment, flags, inputs, "invalid", typeof expected === "string" ? { error: expected } : expected);
  }

  /** Returns the file's text, after the checks that a schema cannot express. */
  text() {
    const used = new Set(this.#tests.flatMap((test) => test.flags));
    const comments = new Set();
    for (const { tcId, comment, flags } of this.#tests) {
      for (const flag of flags) if (!this.notes[flag]) throw new Error(`${this.kind} ${tcId}: flag ${flag} is not explained`);
      if (flags.length === 0) throw new Error(`${this.kind} ${tcId}: no flag`);
      const reason = `${flags.join(", ")}: ${comment}`;
      if (comments.has(reason)) throw new Error(`${this.kind} ${tcId}: repeated reason: ${reason}`);
      comments.add(reason);
    }
    for (const flag of Object.keys(this.notes)) if (!used.has(flag)) throw new Error(`${this.kind}: flag ${flag} is not used`);
    for (const group of this.#groups) if (group.tests.length === 0) throw new Error(`${this.kind}: an empty group`);
    const file = {
      format: FORMAT,
      kind: this.kind,
      schema: "schema.json",
      header: this.header,
      numberOfTests: this.#tests.length,
      notes: Object.fromEntries(Object.entries(this.notes).map(([flag, description]) => [flag, { description }])),
      testGroups: this.#groups,
    };
    return `${ascii(JSON.stringify(file, null, 2))}\n`;
  }

  get count() {
    return this.#tests.length;
  }
}

// Escapes make invisible and ambiguous characters visible in a review.
function ascii(json) {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
