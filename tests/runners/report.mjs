// The line that every runner prints.
import process from "node:process";

export function report({ runtime, version, engine, passed, failed }) {
  console.log(JSON.stringify({ runtime, version, engine, passed, failed }));
  const none = Object.values(passed).some((count) => count === 0) || Object.keys(passed).length === 0;
  process.exitCode = failed.length > 0 || none ? 1 : 0;
}
