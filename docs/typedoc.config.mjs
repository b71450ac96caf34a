// TypeDoc's options: every entry point of the npm package, by the name that it is imported by.
import { readFileSync } from "node:fs";
import { Converter, ReflectionKind } from "typedoc";

const { name, exports } = JSON.parse(readFileSync(new URL("../bindings-node/package.json", import.meta.url), "utf8"));
const adapters = Object.keys(exports).filter((entry) => ![".", "./wasm", "./package.json"].includes(entry));

/** TypeDoc calls modules by the path of their file. */
function rename(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const module of context.project.getReflectionsByKind(ReflectionKind.Module)) {
      const adapter = adapters.find((entry) => module.name === `adapters/${entry.slice(2)}`);
      module.name = adapter === undefined ? name : `${name}${adapter.slice(1)}`;
    }
  });
}

export default {
  name: "clarife-webhooks for JavaScript",
  entryPoints: ["../bindings-node/api/index.ts", ...adapters.map((entry) => `../bindings-node/adapters/${entry.slice(2)}.ts`)],
  tsconfig: "tsconfig.json",
  plugin: [rename],
  readme: "none",
  disableSources: true,
  githubPages: false,
  hideGenerator: true,
  treatWarningsAsErrors: true,
  packagesRequiringDocumentation: ["clarife-webhooks"],
  // Parts of exported types, without a use of their own.
  intentionallyNotExported: ["Backend", "Clock", "DataOf", "GroupEvent", "Listener", "NoResponse", "Unlisted.Type"],
  // Not members: many an interface says what is needed of a framework's object, which has its own documentation.
  requiredToBeDocumented: ["Class", "Interface", "TypeAlias", "Variable"],
  validation: { notExported: true, invalidLink: true, rewrittenLink: true, notDocumented: true },
};
