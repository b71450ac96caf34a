//! Tells the platform's linker that Node resolves the symbols of Node-API when it loads the addon.

fn main() {
    // On Windows the addon looks the symbols up itself (napi's feature `dyn-symbols`), and needs no import library.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        napi_build::setup();
    }
    // A Mach-O library carries its own name, which would be the path of the build folder.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/clarife-webhooks.node");
    }
}
