//! The platforms that packages are built for, each in one row.

use std::str::FromStr;

use anyhow::{Result, anyhow};

/// A platform, and its names in each registry.
pub struct Target {
    /// The system and its oldest version, for readers.
    pub system: &'static str,
    /// The target of Rust.
    pub rust: &'static str,
    /// The target of cargo-zigbuild, which adds the oldest version of glibc.
    pub zig: &'static str,
    /// The platform in the addon's file name, as napi-rs names platforms.
    pub addon: &'static str,
    /// The file that cargo writes for the addon.
    pub library: &'static str,
    /// The platform tag of a wheel.
    pub wheel: &'static str,
    /// The operating system and the processor of npm. A program for Linux is static, and has them from the row of musl.
    pub npm: (&'static str, &'static str),
}

const SO: &str = "libclarife_webhooks_node.so";
const DYLIB: &str = "libclarife_webhooks_node.dylib";
const DLL: &str = "clarife_webhooks_node.dll";

/// The platforms. Node.js runs WebAssembly on all others, and pip builds from the sdist.
pub const TARGETS: [Target; 8] = [
    Target {
        system: "Linux with glibc 2.17 or later",
        rust: "x86_64-unknown-linux-gnu",
        zig: "x86_64-unknown-linux-gnu.2.17",
        addon: "linux-x64-gnu",
        library: SO,
        wheel: "manylinux_2_17_x86_64",
        npm: ("linux", "x64"),
    },
    Target {
        system: "Linux with glibc 2.17 or later",
        rust: "aarch64-unknown-linux-gnu",
        zig: "aarch64-unknown-linux-gnu.2.17",
        addon: "linux-arm64-gnu",
        library: SO,
        wheel: "manylinux_2_17_aarch64",
        npm: ("linux", "arm64"),
    },
    Target {
        system: "Linux with musl 1.2 or later, such as Alpine",
        rust: "x86_64-unknown-linux-musl",
        zig: "x86_64-unknown-linux-musl",
        addon: "linux-x64-musl",
        library: SO,
        wheel: "musllinux_1_2_x86_64",
        npm: ("linux", "x64"),
    },
    Target {
        system: "Linux with musl 1.2 or later, such as Alpine",
        rust: "aarch64-unknown-linux-musl",
        zig: "aarch64-unknown-linux-musl",
        addon: "linux-arm64-musl",
        library: SO,
        wheel: "musllinux_1_2_aarch64",
        npm: ("linux", "arm64"),
    },
    Target {
        system: "macOS 11 or later",
        rust: "x86_64-apple-darwin",
        zig: "x86_64-apple-darwin",
        addon: "darwin-x64",
        library: DYLIB,
        wheel: "macosx_11_0_x86_64",
        npm: ("darwin", "x64"),
    },
    Target {
        system: "macOS 11 or later",
        rust: "aarch64-apple-darwin",
        zig: "aarch64-apple-darwin",
        addon: "darwin-arm64",
        library: DYLIB,
        wheel: "macosx_11_0_arm64",
        npm: ("darwin", "arm64"),
    },
    // gnullvm needs nothing of Microsoft to build, and nothing but Windows to run.
    Target {
        system: "Windows 10 or later",
        rust: "x86_64-pc-windows-gnullvm",
        zig: "x86_64-pc-windows-gnullvm",
        addon: "win32-x64-msvc",
        library: DLL,
        wheel: "win_amd64",
        npm: ("win32", "x64"),
    },
    Target {
        system: "Windows 10 or later",
        rust: "aarch64-pc-windows-gnullvm",
        zig: "aarch64-pc-windows-gnullvm",
        addon: "win32-arm64-msvc",
        library: DLL,
        wheel: "win_arm64",
        npm: ("win32", "arm64"),
    },
];

impl Target {
    /// Returns `true` for a target whose programs are static.
    pub fn is_musl(&self) -> bool {
        self.rust.ends_with("-musl")
    }

    /// Returns `true` if the program `clarife-sender` is built for the target. Its static build for musl runs on every
    /// Linux.
    pub fn has_program(&self) -> bool {
        !self.rust.ends_with("-linux-gnu")
    }

    /// Returns `true` for Windows.
    pub fn is_windows(&self) -> bool {
        self.npm.0 == "win32"
    }

    /// Returns the name of the addon's file in the npm package.
    pub fn addon_file(&self) -> String {
        format!("clarife-webhooks.{}.node", self.addon)
    }

    /// Returns the target of this machine.
    pub fn host() -> Result<&'static Self> {
        let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        let is_host = |target: &&Self| {
            target.rust.starts_with(processor)
                && target.rust.contains(if system == "macos" { "darwin" } else { system })
                && target.is_musl() == cfg!(target_env = "musl")
        };
        let message = || anyhow!("cannot build for {system} on {processor}: no row of xtask/src/package/targets.rs");
        TARGETS.iter().find(is_host).ok_or_else(message)
    }
}

/// Returns the rows of the platforms' table: a system and its processors.
pub fn rows() -> Vec<String> {
    let row = |targets: &[Target]| {
        let processors: Vec<&str> = targets.iter().map(|target| target.npm.1).collect();
        let system = targets.first().map_or("", |target| target.system);
        format!("{system} | {}", processors.join(", "))
    };
    TARGETS.chunk_by(|one, other| one.system == other.system).map(row).collect()
}

impl FromStr for &'static Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        TARGETS.iter().find(|target| target.rust == name).ok_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.rust).collect();
            format!("the targets are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn the_dependencies_of_every_target_are_checked() {
        let rules = std::fs::read_to_string(crate::project::root().join("deny.toml")).unwrap_or_default();
        let missing: Vec<&str> =
            TARGETS.iter().map(|target| target.rust).filter(|name| !rules.contains(&format!("\"{name}\""))).collect();
        assert_eq!(missing, [""; 0], "deny.toml does not check these targets");
    }
}
