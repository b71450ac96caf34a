//! Tells the platform's linker that Node resolves the symbols of Node-API when it loads the addon.

fn main() {
    napi_build::setup();
}
