import type { Engine } from "../../bindings-wasm/js/engine.js";

/** The addon (src/addon.rs) is an engine but for its name. */
type Addon = Omit<Engine, "name" | "close">;

/** The native engine, or nothing where there is no addon for this platform, or one that does not load. */
export function nativeEngine(): Engine | undefined {
  const platform = `${process.platform}-${process.arch}`;
  // Which C library Linux has is not worth the milliseconds that finding out takes: the wrong one does not load.
  const targets =
    process.platform === "linux" ? [`${platform}-gnu`, `${platform}-musl`] : process.platform === "win32" ? [`${platform}-msvc`] : [platform];
  for (const target of targets) {
    const file = `./clarife-webhooks.${target}.node`; // not inside require(): a bundler would look for the files
    try {
      return { name: "native", ...(require(file) as Addon) };
    } catch {
      // The next one, and in the end WebAssembly, which runs everywhere.
    }
  }
  return undefined;
}
