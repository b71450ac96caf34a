"""What `mkdocs build` does beside its plugins.

The API references that other generators made become files of the site, so that links to them are checked like all others. And
the page of the Python package must have everything that the package exports.
"""

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REFERENCES = {"rust": "doc", "javascript": "typedoc"}  # their folder in the site, and under target


def on_files(files: Files, config: MkDocsConfig) -> Files:
    target = Path(config.site_dir).parent
    for name, folder in REFERENCES.items():
        root = target / folder
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                uri = f"api/{name}/{path.relative_to(root).as_posix()}"
                uri += ".txt" if path.suffix == ".md" else ""  # a licence is no page
                files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig, **_: Any) -> None:
    if page.file.src_uri != "reference/python.md":
        return
    package = Path(config.config_file_path).parent.parent / "bindings-python/python/clarife_webhooks"
    shown = set(re.findall(r'id="clarife_webhooks\.(?:\w+\.)?(\w+)"', output))
    if missing := _exported(package) - shown:
        raise PluginError(f"{page.file.src_uri} does not show {', '.join(sorted(missing))}")


def _exported(package: Path) -> set[str]:
    """Names that `__init__` imports under their own (`X as X`), and the modules for users."""
    imports = (node for node in ast.walk(ast.parse((package / "__init__.py").read_text())) if isinstance(node, ast.ImportFrom))
    names = {alias.asname for node in imports for alias in node.names if alias.asname}
    return names | {module.stem for module in package.glob("[!_]*.py")}
