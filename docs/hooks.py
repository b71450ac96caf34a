"""What `mkdocs build` does beside its plugins: the API references that other generators made become files of the site, so that
links to them are checked like all others."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

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
