import type { Backend } from "../api/backend.js";
import { isMusl } from "./libc.js";

/** The addon (src/addon.rs and src/raw.rs), which is a backend without a name. */
type Addon = Omit<Backend, "name" | "close">;

/** The last part of a target of napi-rs. */
const ABI: Partial<Record<NodeJS.Platform, () => string>> = {
  linux: () => (isMusl() ? "-musl" : "-gnu"),
  win32: () => "-msvc",
};

/**
 * Opens the addon beside this file. Returns nothing if the environment selects WebAssembly, if the package has no addon
 * for this platform, if the addon does not load, or if a bundler moved this file away from the addon.
 */
export function openAddon(): Backend | undefined {
  // A bundle may run where `process`, `__dirname` or the permission to use them is missing.
  try {
    if (process.env["CLARIFE_WEBHOOKS_ENGINE"] === "wasm") {
      return undefined;
    }
    const addon = { exports: {} as Addon };
    const target = `${process.platform}-${process.arch}${ABI[process.platform]?.() ?? ""}`;
    // Not `require`: bundlers look for the file that it names, and warn of a name that they cannot compute.
    process.dlopen(addon, `${__dirname}/clarife-webhooks.${target}.node`);
    return { name: "native", ...addon.exports };
  } catch {
    return undefined;
  }
}
