// Event types, and typed access to their resources (docs/protocol.md#section-3).
import { KNOWN_TYPES, SECRET, envelope, event, signed, text } from "./common.mjs";
import { VectorFile } from "./file.mjs";
import { BY_KIND, DOCUMENT, MEDIA, SHARE } from "./resources.mjs";

export function types() {
  const file = new VectorFile(
    "types",
    [
      "Correctly signed events of all types, of unknown types, and with data of every shape. All of them verify.",
      "`resource` is the result of typed access (Rust): the kind, and the JSON path that its error must name, or null.",
    ],
    {
      Known: "The known types with the members that the protocol lists.",
      Unknown: "Unknown types, which are passed on unchanged.",
      NearMiss: "Unknown types that are similar to a known one.",
      HostProperty: "Names that all objects of a host language have: looking up a type must not find them.",
      Sparse: "Data with few members: all are optional, and null is the same as an absent member.",
      Open: "Members and values that are not documented.",
      WrongType: "A documented member of a wrong type: verification succeeds, and the error of typed access names the path.",
    },
  );
  file.group({ webhook: { secrets: [SECRET] } });
  const test = (comment, flags, type, data, resource) => {
    const known = KNOWN_TYPES.includes(type);
    const json = typeof data === "string" ? data : JSON.stringify(data);
    file.valid(comment, flags, signed(text(envelope({ type: JSON.stringify(type), data: json }))), { ...event({ type, known, data: json }), resource });
  };
  const resource = (kind, error = null) => ({ kind, error });

  for (const type of KNOWN_TYPES) {
    const kind = type.split(".")[0];
    test(type, "Known", type, BY_KIND[kind], resource(kind));
  }
  const documented = '{"id":"doc_8Kq2","title":"Onboarding guide","updated_at":"2026-03-28T12:00:00Z"}';
  test("the three members of the documentation's example", ["Known", "Sparse"], "document.updated", documented, resource("document"));

  const unknown = (comment, flags, type) => test(comment, flags, type, { id: "x" }, resource("unknown"));
  unknown("a new kind", "Unknown", "workspace.created");
  unknown("a new event of a known kind", "Unknown", "document.archived");
  unknown("an event that another kind has", "Unknown", "media.deleted");
  unknown("one character", "Unknown", "x");
  unknown("1,000 characters", "Unknown", "x".repeat(1000));
  unknown("letters outside ASCII", "Unknown", "dokument.zmieni\u0142-si\u0119-\u{1f511}");
  unknown("a space only", "Unknown", " ");
  unknown("upper case", "NearMiss", "DOCUMENT.UPDATED");
  unknown("a capital letter", "NearMiss", "document.Updated");
  unknown("a space after a known type", "NearMiss", "document.updated ");
  unknown("a space before a known type", "NearMiss", " document.updated");
  unknown("NUL after a known type does not end it", "NearMiss", "document.updated\u0000");
  unknown("one more part", "NearMiss", "document.updated.v2");
  unknown("the kind alone", "NearMiss", "document");
  unknown("the kind and a point", "NearMiss", "document.");
  unknown("the event alone", "NearMiss", ".updated");
  unknown("the plural", "NearMiss", "documents.updated");
  unknown("an underscore instead of the point", "NearMiss", "document_updated");
  unknown("a Cyrillic letter that looks the same", "NearMiss", "d\u043ecument.updated");
  unknown("a known type cut by a letter", "NearMiss", "document.update");
  unknown("a pattern", "NearMiss", "document.*");
  unknown("Unknown, a name that an enumeration could have", "NearMiss", "Unknown");
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "length", "__class__"]) {
    unknown(`the type ${name}`, "HostProperty", name);
  }

  for (const kind of Object.keys(BY_KIND)) {
    const type = KNOWN_TYPES.find((name) => name.startsWith(kind));
    test(`${type} without members`, "Sparse", type, {}, resource(kind));
  }
  const nulls = (object) => Object.fromEntries(Object.keys(object).map((name) => [name, null]));
  test("a document with null for every member", "Sparse", "document.updated", nulls(DOCUMENT), resource("document"));
  test("a share with null for every member", "Sparse", "share.updated", nulls(SHARE), resource("share"));
  test("media with null for every member", "Sparse", "media.uploaded", nulls(MEDIA), resource("media"));
  test("content without members", "Sparse", "document.updated", { content: {} }, resource("document"));
  test("content without blocks in it", "Sparse", "document.updated", { content: { meta: {}, blocks: [] } }, resource("document"));
  test("a block without members", "Sparse", "document.updated", { content: { blocks: [{}] } }, resource("document"));

  openData(test, resource);
  wrongTypes(test, resource);
  return file;
}

function openData(test, resource) {
  const document = (comment, data) => test(comment, "Open", "document.updated", data, resource("document"));
  document("unknown members of every type", { a: null, b: true, c: 1, d: 1.5, e: "x", f: [1, [2]], g: { h: {} } });
  document("an unknown visibility", { visibility: "workspace" });
  document("an unknown block type with unknown members", { content: { blocks: [{ type: "video", seconds: 1.5, media_id: "m" }] } });
  document("unknown members of content and meta", { content: { meta: { version: 9, locale: "en", theme: {} }, footer: [] } });
  document("a template that is a string", { template: "tpl_1" });
  document("a template that is an object", { template: { id: "tpl_1", steps: [1] } });
  document("a template that is a number", { template: 5 });
  document("invalid dates: strings stay strings", { created_at: "yesterday", updated_at: "" });
  document("empty strings", { id: "", title: "" });
  document("members of a share in a document", { is_active: "yes", view_count: "many" });
  document("counts of 0 and of many", { block_count: 0, word_count: 9007199254740991 });
  document("names written with escapes", '{"t\\u0069tle":"x"}');
  test("an unknown view style", "Open", "share.created", { view_style: "slideshow" }, resource("share"));
  test("an id in media, which has media_id", "Open", "media.uploaded", { id: 5, media_id: "m" }, resource("media"));
  test("anything in a project beside its id", "Open", "project.updated", { name: 5, title: [], content: "x" }, resource("project"));
  test("anything in a folder beside its id", "Open", "folder.updated", { name: null, children: [{ id: 1 }] }, resource("folder"));
  test("anything in a generation beside its id", "Open", "generation.failed", { error: { code: 5 }, title: 1 }, resource("generation"));
  test("data of an unknown type is not checked", "Open", "workspace.created", { id: 5, title: [] }, resource("unknown"));
  // The result is open: typed access may replace a character, or return an error with the path.
  test("half a surrogate pair in a title", "Open", "document.updated", '{"title":"cut \\ud83d"}', undefined);
  test("a number beyond a double in an unknown member", "Open", "document.updated", '{"n":1e400}', undefined);
  test("a title twice", "Open", "document.updated", '{"title":"a","title":"b"}', undefined);
}

function wrongTypes(test, resource) {
  const wrong = (comment, type, data, path) => test(comment, "WrongType", type, data, resource(type.split(".")[0], path));
  const document = (comment, data, path) => wrong(comment, "document.updated", data, path);
  document("a title that is a number", { title: 5 }, "$.data.title");
  document("a title that is an object", { title: { en: "x" } }, "$.data.title");
  document("a title that is an array", { title: ["x"] }, "$.data.title");
  document("a title that is false", { title: false }, "$.data.title");
  document("an id that is a number: ids are strings", { id: 5 }, "$.data.id");
  document("a count that is a string", { block_count: "3" }, "$.data.block_count");
  document("a count that is a fraction", { screenshot_count: 1.5 }, "$.data.screenshot_count");
  document("a count that is true", { word_count: true }, "$.data.word_count");
  document("a string-or-null member that is a number", { branding_id: 5 }, "$.data.branding_id");
  document("a project_id that is an array", { project_id: [] }, "$.data.project_id");
  document("a visibility that is an object", { visibility: {} }, "$.data.visibility");
  document("content that is a string", { content: "x" }, "$.data.content");
  document("meta that is an array of strings", { content: { meta: ["x", "y"] } }, "$.data.content.meta");
  document("a version that is a string", { content: { meta: { version: "2" } } }, "$.data.content.meta.version");
  document("a locale that is a number", { content: { meta: { locale: 1 } } }, "$.data.content.meta.locale");
  document("blocks that are an object", { content: { blocks: {} } }, "$.data.content.blocks");
  document("a block that is a string", { content: { blocks: ["x"] } }, "$.data.content.blocks[0]");
  document("the second block's type is a number", { content: { blocks: [{ type: "text" }, { type: 1 }] } }, "$.data.content.blocks[1].type");
  document("the third block's media_id is a number", { content: { blocks: [{}, {}, { media_id: 1 }] } }, "$.data.content.blocks[2].media_id");
  document("a wrong member after right ones", { ...DOCUMENT, visibility: 1 }, "$.data.visibility");
  wrong("a boolean that is a string", "share.created", { is_active: "true" }, "$.data.is_active");
  wrong("a boolean that is a number", "share.updated", { has_password: 1 }, "$.data.has_password");
  wrong("a share's count that is a string", "share.updated", { view_count: "12" }, "$.data.view_count");
  wrong("an expiry that is a number", "share.updated", { expires_at: 1711612800 }, "$.data.expires_at");
  wrong("a list that is a string", "share.updated", { allowed_emails: "ada@example.com" }, "$.data.allowed_emails");
  wrong("a list with a number in it", "share.updated", { allowed_domains: ["example.com", 5] }, "$.data.allowed_domains[1]");
  wrong("a view style that is a number", "share.deleted", { view_style: 1 }, "$.data.view_style");
  wrong("a file size that is a string", "media.uploaded", { file_size_bytes: "204800" }, "$.data.file_size_bytes");
  wrong("a file name that is null's name, and a media_id that is a number", "media.uploaded", { filename: "null", media_id: 7 }, "$.data.media_id");
  wrong("a project's id that is a number", "project.created", { id: 5 }, "$.data.id");
  wrong("a folder's id that is an object", "folder.created", { id: {} }, "$.data.id");
  wrong("a generation's id that is an array", "generation.started", { id: [] }, "$.data.id");
}
