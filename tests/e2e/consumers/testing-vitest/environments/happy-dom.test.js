// @vitest-environment happy-dom
import "./verifies.js";
