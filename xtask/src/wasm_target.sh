#!/usr/bin/env bash
# Installs the target wasm32-unknown-unknown. The last line of output is the cargo command that builds for it.
#
#   1. If the toolchain has the target, there is nothing to do.
#   2. Otherwise `rustup target add` installs it.
#   3. If rustup's server cannot be reached on Debian, the script builds the standard library once, in about a minute,
#      from Debian's packages rustc-web and rust-web-src (140 MB, unpacked without installing). It links the result to
#      rustup as the toolchain `wasm-debian`. The default toolchain and builds for the host do not change.
set -euo pipefail

TARGET=wasm32-unknown-unknown
NAME=wasm-debian
DEST=${WASM_TOOLCHAIN_DIR:-$HOME/.local/share/wasm-debian}

say() { printf 'wasm target: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
has_target() { # [+toolchain]
    local folder
    folder=$(rustc "$@" --print target-libdir --target "$TARGET" 2>/dev/null) && compgen -G "$folder/libcore-*.rlib" >/dev/null
}

# WASM_FROM_DEBIAN=1 skips the first two ways, to test the third.
if [ "${WASM_FROM_DEBIAN:-}" != 1 ]; then
    if has_target; then echo cargo; exit; fi
fi
if has_target "+$NAME"; then echo "cargo +$NAME"; exit; fi
command -v rustup >/dev/null || die "cannot install $TARGET: rustup is missing"
if [ "${WASM_FROM_DEBIAN:-}" != 1 ]; then
    if RUSTUP_MAX_RETRIES=1 timeout 120 rustup target add "$TARGET" >&2 && has_target; then echo cargo; exit; fi
    say "rustup cannot add $TARGET: building it from Debian's sources"
fi

for program in apt-get apt-cache dpkg-deb ldd cc; do
    command -v "$program" >/dev/null || die "cannot use Debian's sources: $program is missing"
done
HOST=$(rustc -vV | sed -n 's/^host: //p')
SYSROOT=$(rustc --print sysroot)
mkdir -p "$(dirname "$DEST")"
WORK=$(mktemp -d "$(dirname "$DEST")/.$NAME.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

apt-get -qq update >&2 || say "apt-get update reported problems, continuing" # but with outdated lists the build may fail
candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p'; }
depends() { apt-cache show "$1" | sed -n 's/^Depends: //p' | head -n 1 | tr ',|' '\n\n' | sed 's/^ *//; s/ .*//' | grep -E "$2" | head -n 1; }
VERSION=$(candidate rustc-web)
[ -n "$VERSION" ] && [ "$VERSION" != "(none)" ] || die "cannot find Debian's package rustc-web"
LIBSTD=$(depends "libstd-rust-web-dev=$VERSION" '^libstd-rust-web-[0-9]')
LIBLLVM=$(depends "$LIBSTD=$VERSION" '^libllvm[0-9]+')

unpack() { # package=version…
    mkdir -p "$WORK/debs" "$WORK/unpack"
    (cd "$WORK/debs" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2)
    for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$WORK/unpack"; rm "$deb"; done
}
unpack "rustc-web=$VERSION" "$LIBSTD=$VERSION" "libstd-rust-web-dev=$VERSION" "rust-web-src=$VERSION" \
    "$LIBLLVM=$(candidate "$LIBLLVM")"

U=$WORK/unpack/usr T=$WORK/toolchain
mkdir -p "$T/bin" "$T/libexec" "$T/lib/rustlib/src/rust"
mv "$U"/bin/rustc "$U"/bin/rustdoc "$T/libexec/"
mv "$U"/lib/*-linux-gnu/librustc_driver-*.so "$T/lib/"
for file in "$U"/lib/*-linux-gnu/libstd-*.so; do if [ -e "$file" ]; then mv "$file" "$T/lib/"; fi; done
cp -L "$U"/lib/*-linux-gnu/libLLVM.so.* "$T/lib/"
mv "$U/lib/rustlib/$HOST" "$T/lib/rustlib/"
mv "$U"/src/rustc-*/library "$T/lib/rustlib/src/rust/"
mkdir -p "$T/lib/rustlib/$HOST/bin"
# Links to the linker and cargo of rustup's toolchain.
ln -s "$SYSROOT/lib/rustlib/$HOST/bin/rust-lld" "$T/lib/rustlib/$HOST/bin/rust-lld"
ln -s "$SYSROOT/bin/cargo" "$T/bin/cargo"
for program in rustc rustdoc; do
    cat >"$T/bin/$program" <<'EOF'
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/libexec/${0##*/}" "$@"
EOF
    chmod +x "$T/bin/$program"
done

# Libraries that LLVM needs and that the machine may not have.
missing() { LD_LIBRARY_PATH="$T/lib" ldd "$T/libexec/rustc" "$T"/lib/*.so* 2>/dev/null | sed -n 's/^[[:space:]]*\(.*\) => not found/\1/p' | sort -u; }
if [ -n "$(missing)" ]; then
    for package in libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu72; do unpack "$package=$(candidate "$package")"; done
    find "$WORK/unpack" -path '*-linux-gnu/lib*.so*' -exec cp -Pn {} "$T/lib/" \;
    [ -z "$(missing)" ] || die "missing libraries: $(missing | tr '\n' ' ')"
fi

say "building the standard library"
LIBRARY=$T/lib/rustlib/src/rust/library
(
    cd "$LIBRARY" # outside the repository, so that .cargo/config.toml does not apply
    unset CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
    # vendor/ does not contain the development dependencies. LTO needs the libraries' bitcode.
    env RUSTC="$T/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_HOME="$WORK/cargo-home" CARGO_TARGET_DIR="$WORK/target" \
        RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --remap-path-prefix=$LIBRARY=/rustc/library" \
        CARGO_NET_OFFLINE=true CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_DEBUG=0 \
        "$SYSROOT/bin/cargo" build -q --release --target "$TARGET" --manifest-path sysroot/Cargo.toml -Zavoid-dev-deps \
        --config 'source.crates-io.replace-with="vendored-sources"' \
        --config "source.vendored-sources.directory=\"$LIBRARY/vendor\"" >&2
)
mkdir -p "$T/lib/rustlib/$TARGET/lib"
cp "$WORK/target/$TARGET/release/deps/"*.rlib "$T/lib/rustlib/$TARGET/lib/"
rm -rf "$T/lib/rustlib/$TARGET/lib/"libsysroot-*.rlib "$T/lib/rustlib/src"

rm -rf "$DEST"
mv "$T" "$DEST" # only when complete
rustup toolchain link "$NAME" "$DEST" >&2
has_target "+$NAME" || die "the new toolchain has no $TARGET"
echo "cargo +$NAME"
