export default { build: { target: "esnext" } }; // top-level await and WebAssembly with SIMD
