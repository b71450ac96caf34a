"""Copies the packages of a folder that their registries do not have yet.

    python unpublished.py <folder of packages> <new folder>

The new folder gets the folders `npm`, `pypi` and `crates`, and `github` with the files of no registry. A package that a
registry has with other contents is an error, and then nothing is copied. The variables NPM_REGISTRY, PYPI_REGISTRY and
CRATES_INDEX are the addresses of the registries. RELEASING.md says where they are set.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

VARIABLES = "NPM_REGISTRY", "PYPI_REGISTRY", "CRATES_INDEX"
NPM, PYPI, CRATES = (os.environ.get(name, "").rstrip("/") for name in VARIABLES)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} <folder of packages> <new folder>")
    if unset := [name for name in VARIABLES if not os.environ.get(name)]:
        sys.exit(f"error: cannot ask the registries: {', '.join(unset)} not set")
    source, target = map(Path, sys.argv[1:])
    missing, different = [], []
    for file in sorted(source.iterdir()):
        registry, published, own = state(file)
        print(f"{registry}: {file.name}: {'missing' if published is None else 'published'}")
        if published is None:
            missing.append((registry, file))
        elif published != own:
            different.append(f"error: {registry} has {file.name} with other contents: {published}, not {own}")
    if different:
        sys.exit("\n".join(different))
    for folder in "npm", "pypi", "crates", "github":
        (target / folder).mkdir(parents=True)
    for registry, file in missing:
        shutil.copy2(file, target / registry)


def state(file: Path) -> tuple[str, str | None, str]:
    """Returns the registry of a file, the hash that the registry has of it, and its own hash."""
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if file.suffix == ".tgz":
        with tarfile.open(file) as archive:
            manifest = json.load(archive.extractfile("package/package.json"))
        published = ask(f"{NPM}/{manifest['name']}/{manifest['version']}")
        own = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
        return "npm", published and json.loads(published)["dist"]["integrity"], own
    if wheel_or_sdist := re.fullmatch(r"(\w+)-(\d[^-]*)(-.+\.whl|\.tar\.gz)", file.name):
        published = ask(f"{PYPI}/pypi/{wheel_or_sdist[1].replace('_', '-')}/{wheel_or_sdist[2]}/json")
        files = json.loads(published)["urls"] if published else []
        hashes = {known["filename"]: known["digests"]["sha256"] for known in files}
        return "pypi", hashes.get(file.name), sha256
    if crate := re.fullmatch(r"(.+)-(\d+\.\d+\.\d+)\.crate", file.name):
        name, version = crate.groups()
        lines = (ask(f"{CRATES}/{name[:2]}/{name[2:4]}/{name}") or "").splitlines()
        versions = {known["vers"]: known["cksum"] for known in map(json.loads, lines)}
        return "crates", versions.get(version), sha256
    return "github", None, sha256


def ask(url: str) -> str | None:
    """Returns a registry's response, or None if it knows no such package."""
    try:
        # crates.io asks for a name of the program.
        request = urllib.request.Request(url, headers={"User-Agent": "clarife-webhooks release"})
        with urllib.request.urlopen(request) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        sys.exit(f"error: {url} returned the status {error.code}")
    except urllib.error.URLError as error:
        sys.exit(f"error: cannot reach {url}: {error.reason}")


if __name__ == "__main__":
    main()
