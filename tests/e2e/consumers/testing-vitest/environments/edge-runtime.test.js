// @vitest-environment edge-runtime
import "./verifies.js";
