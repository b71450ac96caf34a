"""Steps of `mkdocs build` that no plugin covers.

- The API references of the other generators become files of the site, so that links to them are checked.
- The design pages, which readers of the repository find outside `docs/pages`, become pages of the site.
- Links follow the repository's folders, so that they work there too. On the site they lead to the page, or to the file's
  page at GitHub.
- The page of the Python package must show every name that the package exports.
"""

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/clarife/clarife-webhooks/blob/main/"
REFERENCES = {"rust": "doc", "javascript": "typedoc"}  # folder in the site, and under target

# Pages outside `docs/pages`, and their place on the site.
DESIGN = {
    ROOT / "ARCHITECTURE.md": "design/architecture.md",
    ROOT / "docs/protocol.md": "design/protocol.md",
    **{path: f"design/{path.name}" for path in sorted((ROOT / "docs/design").glob("*.md"))},
}

_RELATIVE_LINK = re.compile(r"\]\((?!\w+:|/|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    target = Path(config.site_dir).parent
    for name, folder in REFERENCES.items():
        root = target / folder
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                uri = f"api/{name}/{path.relative_to(root).as_posix()}"
                uri += ".txt" if path.suffix == ".md" else ""  # a licence must not become a page
                files.append(File.generated(config, uri, abs_src_path=str(path)))
    for path, uri in DESIGN.items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    source = Path(page.file.abs_src_path or "")

    def rewrite(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        if target in DESIGN:
            uri = DESIGN[target]
        elif target.is_relative_to(config.docs_dir):
            uri = target.relative_to(config.docs_dir).as_posix()
        elif target.exists():
            return f"]({REPOSITORY}{target.relative_to(ROOT).as_posix()}{link[2] or ''})"
        else:
            raise PluginError(f"{source.relative_to(ROOT)} links to {link[1]}, which does not exist")
        return f"]({posixpath.relpath(uri, posixpath.dirname(page.file.src_uri))}{link[2] or ''})"

    return _RELATIVE_LINK.sub(rewrite, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig, **_: Any) -> None:
    if page.file.src_uri != "reference/python.md":
        return
    package = ROOT / "bindings-python/python/clarife_webhooks"
    shown = set(re.findall(r'id="clarife_webhooks\.(?:\w+\.)?(\w+)"', output))
    public = {name for name in _exported(package) if not name.startswith("_")}
    if missing := public - shown:
        raise PluginError(f"{page.file.src_uri} does not show {', '.join(sorted(missing))}")


def _exported(package: Path) -> set[str]:
    """Returns the names that `__init__` imports under their own (`X as X`), and the public modules."""
    imports = (node for node in ast.walk(ast.parse((package / "__init__.py").read_text())) if isinstance(node, ast.ImportFrom))
    names = {alias.asname for node in imports for alias in node.names if alias.asname}
    return names | {module.stem for module in package.glob("[!_]*.py")}
