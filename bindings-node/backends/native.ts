import type { Backend } from "../api/backend.js";

/** The addon (src/addon.rs and src/raw.rs), which is a backend without a name. */
type Addon = Omit<Backend, "name" | "close">;

/** Opens the addon. Returns nothing if the package has no addon for this platform, or if the addon does not load. */
export function openAddon(): Backend | undefined {
  const platform = `${process.platform}-${process.arch}`;
  // Only one addon loads with the C library of this Linux. Trying both is faster than asking which library it is.
  const targets = process.platform === "linux"
    ? [`${platform}-gnu`, `${platform}-musl`]
    : process.platform === "win32"
    ? [`${platform}-msvc`]
    : [platform];
  for (const target of targets) {
    const file = `./clarife-webhooks.${target}.node`; // not inside require(): a bundler would look for the files
    try {
      return { name: "native", ...(require(file) as Addon) };
    } catch {
      // Try the next addon, and WebAssembly after the last.
    }
  }
  return undefined;
}
