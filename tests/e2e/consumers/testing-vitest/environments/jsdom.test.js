// @vitest-environment jsdom
import "./verifies.js";
