"""Verifies the tag of a release, and prints the entry of its version in the changelog.

    python verify_tag.py v1.2.3

The tag must be signed with a key that the branch main lists in `.github/allowed_signers`, and point to a commit of
main, which is checked out. Its version must be the one of Cargo.toml, with a dated entry in the changelog.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} <tag>")
    tag = sys.argv[1]
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        refuse(tag, "not v and a version of three numbers")
    verify_signature(tag)
    commit = git("rev-parse", f"{tag}^{{commit}}")
    if commit != git("rev-parse", "HEAD"):
        refuse(tag, "its commit is not checked out")
    if git("rev-list", "--max-count=1", commit, "^origin/main"):
        refuse(tag, "its commit is not on main")
    print(changelog_entry(tag))


def verify_signature(tag: str) -> None:
    """Verifies the signature with the keys of main, because the author of a tag chooses the files of its commit."""
    # actions/checkout replaces an annotated tag by its commit.
    git("fetch", "--quiet", "--force", "origin", f"refs/tags/{tag}:refs/tags/{tag}", "+main:refs/remotes/origin/main")
    if git("cat-file", "-t", tag) != "tag":
        refuse(tag, "not a signed tag")
    with tempfile.TemporaryDirectory() as folder:
        signers = Path(folder, "allowed_signers")
        signers.write_text(git("show", "origin/main:.github/allowed_signers") + "\n")
        options = [f"gpg.ssh.allowedSignersFile={signers}"]
        # Keys of the machine's other programs are not on the list.
        options += ["gpg.openpgp.program=false", "gpg.x509.program=false"]
        flags = [word for option in options for word in ("-c", option)]
        command = ["git", *flags, "tag", "--verify", "--format=%(tag)", tag]
        result = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8")
    if result.returncode:
        refuse(tag, "its signature is not of a key in .github/allowed_signers of main")
    # A signed tag can be pushed under another name.
    if result.stdout.strip() != tag:
        refuse(tag, f"the signature is of {result.stdout.strip()}")


def changelog_entry(tag: str) -> str:
    """Returns the entry of the tag's version, which must be dated."""
    version = tag[1:]
    found = re.search(r'^version = "(.+)"$', Path("Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if not found or found[1] != version:
        refuse(tag, f"Cargo.toml has the version {found and found[1]}")
    changelog = Path("CHANGELOG.md").read_text(encoding="utf-8")
    title = rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}$"
    entry = re.search(rf"{title}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not entry or not entry[1].strip():
        refuse(tag, "CHANGELOG.md has no dated entry of its version")
    return entry[1].strip()


def git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], stdout=subprocess.PIPE, encoding="utf-8")
    if result.returncode:
        sys.exit(f"error: git {arguments[0]} failed")
    return result.stdout.strip()


def refuse(tag: str, reason: str) -> NoReturn:
    sys.exit(f"error: cannot release {tag}: {reason}")


if __name__ == "__main__":
    main()
