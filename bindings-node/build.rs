//! Node resolves the symbols of Node-API when it loads the addon; each platform's linker has to be told so.

fn main() {
    napi_build::setup();
}
