"""Checks which systems the built files need:

    python binaries.py <folder of the addons> <folder of the programs> <folder of the wheels>

Libraries for glibc need at most glibc 2.17, and programs for Linux need nothing. Files for macOS run from 11.0 on, and
files for Windows need nothing but Windows, and CPython for its modules.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import lief

GLIBC = (2, 17)
MACOS = [11, 0, 0]
# The parts of Windows 10 and later, with the C runtime that Windows includes.
WINDOWS = {"advapi32", "bcrypt", "bcryptprimitives", "crypt32", "kernel32", "ntdll", "ws2_32"}
MACHINES = {
    "x64": {"X86_64", "AMD64"},
    "x86_64": {"X86_64", "AMD64"},
    "amd64": {"X86_64", "AMD64"},
    "arm64": {"AARCH64", "ARM64"},
    "aarch64": {"AARCH64", "ARM64"},
}


def elf(binary: lief.ELF.Binary, name: str) -> str:
    libraries = [str(library) for library in binary.libraries]
    if name == "clarife-sender":
        assert not libraries and not binary.has_interpreter, f"{name} is not static: it needs {libraries}"
        return "static"
    if "musl" in name:
        assert all(library == "libc.so" or library.startswith("libc.musl-") for library in libraries), libraries
        return "musl"
    versions = [
        tuple(int(part) for part in version.name.removeprefix("GLIBC_").split("."))
        for requirement in binary.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
        if version.name.startswith("GLIBC_")
    ]
    assert versions and max(versions) <= GLIBC, f"{name} needs glibc {max(versions)}"
    return f"glibc {'.'.join(map(str, max(versions)))}"


def macho(binary: lief.MachO.Binary, name: str) -> str:
    assert binary.build_version is not None, f"{name} does not say which macOS it needs"
    oldest = list(binary.build_version.minos)
    assert oldest == MACOS, f"{name} needs macOS {oldest}"
    for library in binary.libraries:
        assert library.name.startswith(("/usr/lib/", "/System/Library/", "@rpath/")), f"{name} needs {library.name}"
    if binary.header.cpu_type == lief.MachO.Header.CPU_TYPE.ARM64:
        assert binary.has_code_signature, f"{name} is not signed, and macOS would not load it"
    return "macOS 11.0"


def pe(binary: lief.PE.Binary, name: str) -> str:
    for library in (entry.name.lower().removesuffix(".dll") for entry in binary.imports):
        known = library in WINDOWS or library.startswith("api-ms-win-")
        python = name.endswith(".whl") and re.fullmatch(r"python3\d*t?", library)
        assert known or python, f"{name} needs {library}.dll"
    return "Windows"


def check(name: str, content: bytes, platform: str) -> None:
    """Checks a file's processor, and what it needs of its system."""
    binary = lief.parse(list(content))
    kind = {lief.ELF.Binary: elf, lief.MachO.Binary: macho, lief.PE.Binary: pe}
    header = binary.header
    machine = header.machine_type if isinstance(binary, lief.ELF.Binary) else getattr(header, "cpu_type", None) or header.machine
    machine = str(machine).rpartition(".")[2].upper()
    expected = next(names for part, names in MACHINES.items() if part in platform)
    assert machine in expected, f"{name} is for {machine}"
    needs = next(function for type_, function in kind.items() if isinstance(binary, type_))(binary, name)
    print(f"{platform:<54} {len(content):>10,} bytes, {needs}")


lief.logging.disable()
addons, programs, wheels = map(Path, sys.argv[1:])
found = [
    *((path.name, path.read_bytes(), path.name.split(".")[1]) for path in sorted(addons.glob("*.node"))),
    *(
        (path.name, path.read_bytes(), path.parent.name)
        for path in sorted(programs.glob("*-*-*/clarife-sender*"))
        if path.is_file()
    ),
]
for path in sorted(wheels.glob("clarife_webhooks-*.whl")):
    with zipfile.ZipFile(path) as wheel:
        (module,) = (name for name in wheel.namelist() if name.endswith((".so", ".pyd")))
        found.append((path.name, wheel.read(module), path.stem.split("-", 2)[2]))
# Eight addons, six programs, and three wheels for each platform.
assert len(found) == 8 + 6 + 3 * 8, f"{len(found)} files: run `cargo xtask package --all-targets`"
for name, content, platform in found:
    check(name, content, platform)
