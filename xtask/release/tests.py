"""Tests of the scripts that the workflow of a release runs: `python tests.py`."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
AUTHOR = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
          for field, value in (("NAME", "A"), ("EMAIL", "a@example.com"))}
ENVIRONMENT = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def run(script: str, *arguments: object, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)],
        cwd=folder, env={**ENVIRONMENT, **environment}, capture_output=True, encoding="utf-8",
    )


def temporary_folder(test: unittest.TestCase) -> Path:
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return Path(folder.name)


class VerifyTag(unittest.TestCase):
    """A clone whose main has the version 1.2.3 and the key `good`."""

    def setUp(self) -> None:
        folder = temporary_folder(self)
        self.keys, self.clone = folder, folder / "clone"
        for key in "good", "bad":
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", folder / key]
            subprocess.run(command, check=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", folder / "origin", at=folder)
        self.git("clone", "--quiet", folder / "origin", self.clone, at=folder)
        self.git("checkout", "--quiet", "-b", "main")
        self.write(".github/allowed_signers", f'a@example.com namespaces="git" {(folder / "good.pub").read_text()}')
        self.write("Cargo.toml", '[workspace.package]\nversion = "1.2.3"\n')
        self.write("CHANGELOG.md", "## Unreleased\n\n## 1.2.3 - 2026-11-27\n\n- New.\n\n## 1.2.2 - 2026-11-01\n\n- Old.\n")
        self.commit()
        self.git("push", "--quiet", "origin", "main")

    def git(self, *arguments: object, at: Path | None = None) -> None:
        command = ["git", *map(str, arguments)]
        subprocess.run(command, cwd=at or self.clone, env=ENVIRONMENT, check=True, capture_output=True)

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "commit")

    def tag(self, name: str = "v1.2.3", key: str = "good") -> None:
        """Signs and pushes a tag, and leaves what actions/checkout leaves: the commit in its place."""
        signing = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.keys / key}"]
        self.git(*signing, "tag", "--sign", "--message", name, name)
        self.git("push", "--quiet", "origin", name)
        self.git("tag", "--force", name, f"{name}^{{commit}}")

    def assert_refused(self, reason: str, tag: str = "v1.2.3") -> None:
        result = run("verify_tag.py", tag, folder=self.clone)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertIn(reason, result.stderr)

    def test_a_signed_tag_prints_its_entry(self) -> None:
        self.tag()
        result = run("verify_tag.py", "v1.2.3", folder=self.clone)
        self.assertEqual((result.returncode, result.stdout), (0, "- New.\n"), result.stderr)

    def test_a_key_that_is_not_on_the_list(self) -> None:
        self.tag(key="bad")
        self.assert_refused("signature is not of a key")

    def test_a_key_that_only_the_commit_of_the_tag_lists(self) -> None:
        self.git("checkout", "--quiet", "-b", "side")
        self.write(".github/allowed_signers", f'a@example.com {(self.keys / "bad.pub").read_text()}')
        self.commit()
        self.tag(key="bad")
        self.assert_refused("signature is not of a key")

    def test_a_tag_without_a_signature(self) -> None:
        self.git("tag", "--annotate", "--message", "unsigned", "v1.2.3")
        self.git("push", "--quiet", "origin", "v1.2.3")
        self.assert_refused("signature is not of a key")

    def test_a_name_for_a_commit(self) -> None:
        self.git("tag", "v1.2.3")
        self.git("push", "--quiet", "origin", "v1.2.3")
        self.assert_refused("not a signed tag")

    def test_a_signed_tag_under_another_name(self) -> None:
        self.tag("v1.2.2")
        self.git("fetch", "--quiet", "--force", "origin", "refs/tags/v1.2.2:refs/tags/v1.2.2")
        self.git("push", "--quiet", "origin", "v1.2.2:refs/tags/v1.2.3")
        self.assert_refused("the signature is of v1.2.2")

    def test_a_commit_that_is_not_on_main(self) -> None:
        self.git("checkout", "--quiet", "-b", "side")
        self.commit()
        self.tag()
        self.assert_refused("its commit is not on main")

    def test_a_commit_that_is_not_checked_out(self) -> None:
        self.tag()
        self.commit()
        self.assert_refused("its commit is not checked out")

    def test_another_version(self) -> None:
        self.tag("v1.2.4")
        self.assert_refused("Cargo.toml has the version 1.2.3", "v1.2.4")
        self.assert_refused("not v and a version", "v1.2")

    def test_an_entry_without_a_date(self) -> None:
        self.write("CHANGELOG.md", "## 1.2.3\n\n- New.\n")
        self.commit()
        self.git("push", "--quiet", "origin", "main")
        self.tag()
        self.assert_refused("no dated entry")


class Registry(BaseHTTPRequestHandler):
    """The three registries, as far as the script asks them. `documents` has their responses by path."""

    documents: dict[str, object] = {}

    def do_GET(self) -> None:
        document = self.documents.get(self.path)
        self.send_response(404 if document is None else 200 if isinstance(document, (dict, list)) else 503)
        self.end_headers()
        lines = document if isinstance(document, list) else [document]
        self.wfile.write("\n".join(map(json.dumps, lines)).encode())

    def log_message(self, *arguments: object) -> None:
        pass


class Unpublished(unittest.TestCase):
    """A folder with one package for each registry, and a file for none."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.dist, self.new = self.folder / "dist", self.folder / "new"
        self.dist.mkdir()
        manifest = json.dumps({"name": "clarife-sender", "version": "1.2.3"}).encode()
        with tarfile.open(self.dist / "clarife-sender-1.2.3.tgz", "w:gz") as archive:
            entry = tarfile.TarInfo("package/package.json")
            entry.size = len(manifest)
            archive.addfile(entry, io.BytesIO(manifest))
        self.wheel = "clarife_webhooks-1.2.3-cp310-abi3-win_amd64.whl"
        self.sdist = "clarife_webhooks-1.2.3.tar.gz"
        for name in self.wheel, self.sdist, "clarife-webhooks-1.2.3.crate", "clarife-sender-x86_64-apple-darwin.tar.gz":
            (self.dist / name).write_text(name)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        Registry.documents = {}

    def publish(self, *, wheel: str | None = None, npm: str | None = None, crate: str | None = None) -> None:
        """Publishes the wheel alone of the files on PyPI, with other hashes if given."""
        archive = (self.dist / "clarife-sender-1.2.3.tgz").read_bytes()
        integrity = f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}"
        sha256 = {name: hashlib.sha256(name.encode()).hexdigest() for name in (self.wheel, "clarife-webhooks-1.2.3.crate")}
        file = {"filename": self.wheel, "digests": {"sha256": wheel or sha256.pop(self.wheel)}}
        Registry.documents = {
            "/clarife-sender/1.2.3": {"dist": {"integrity": npm or integrity}},
            "/pypi/clarife-webhooks/1.2.3/json": {"urls": [file]},
            "/cl/ar/clarife-webhooks": [
                {"vers": "1.2.2", "cksum": "0"},
                {"vers": "1.2.3", "cksum": crate or sha256["clarife-webhooks-1.2.3.crate"]},
            ],
        }

    def run_script(self) -> subprocess.CompletedProcess[str]:
        url = f"http://127.0.0.1:{self.server.server_port}"
        environment = {"NPM_REGISTRY": url, "PYPI_REGISTRY": url, "CRATES_INDEX": url, "no_proxy": "*"}
        return run("unpublished.py", self.dist, self.new, folder=self.folder, **environment)

    def copied(self) -> list[str]:
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        return sorted(str(path.relative_to(self.new)) for path in self.new.rglob("*") if path.is_file())

    def test_everything_is_missing_at_first(self) -> None:
        self.assertEqual(self.copied(), [
            "crates/clarife-webhooks-1.2.3.crate", "github/clarife-sender-x86_64-apple-darwin.tar.gz",
            "npm/clarife-sender-1.2.3.tgz", f"pypi/{self.wheel}", f"pypi/{self.sdist}",
        ])

    def test_published_packages_are_left_out(self) -> None:
        self.publish()
        self.assertEqual(self.copied(), ["github/clarife-sender-x86_64-apple-darwin.tar.gz", f"pypi/{self.sdist}"])

    def test_other_contents_are_refused(self) -> None:
        for registry in "npm", "wheel", "crate":
            with self.subTest(registry):
                self.publish(**{registry: "other"})
                result = self.run_script()
                self.assertEqual(result.returncode, 1)
                self.assertIn("with other contents: other", result.stderr)
                self.assertFalse(self.new.exists())

    def test_an_address_is_missing(self) -> None:
        result = run("unpublished.py", self.dist, self.new, folder=self.folder, NPM_REGISTRY="", PYPI_REGISTRY="")
        self.assertEqual((result.returncode, self.new.exists()), (1, False))
        self.assertIn("NPM_REGISTRY, PYPI_REGISTRY, CRATES_INDEX not set", result.stderr)

    def test_a_registry_that_fails_is_not_one_without_the_package(self) -> None:
        self.publish()
        Registry.documents["/cl/ar/clarife-webhooks"] = "unavailable"
        result = self.run_script()
        self.assertEqual((result.returncode, self.new.exists()), (1, False))
        self.assertIn("returned the status 503", result.stderr)


if __name__ == "__main__":
    unittest.main()
