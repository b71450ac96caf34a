/**
 * Returns `true` unless this Linux process surely runs on glibc. Where a shim such as Alpine's libc6-compat imitates
 * glibc, an addon for glibc may load, and crash later.
 */
export function isMusl(): boolean {
  const fs = process.getBuiltinModule?.("node:fs"); // not `require`, which a bundle may not have
  const read = (path: string) => {
    try {
      return fs.readFileSync(path, "utf8");
    } catch {
      return ""; // Node.js before 20.16 has no `fs` here, and a container may lack the file
    }
  };
  const libraries = read("/proc/self/maps");
  if (libraries.includes("/ld-musl") || read("/usr/bin/ldd").includes("musl") || fs?.existsSync("/etc/alpine-release")) {
    return true;
  }
  if (/\/libc(\.so\.6|-2\.)/.test(libraries)) {
    return false;
  }
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }; // takes about 20 ms
  return header.glibcVersionRuntime === undefined;
}
