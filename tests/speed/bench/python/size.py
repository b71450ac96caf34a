"""`size.py <distribution> …`: prints each size on disk in bytes, with all dependencies."""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution


def closure(name: str, seen: set[str]) -> int:
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in seen:
        return 0
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return 0  # for another platform, or an extra
    seen.add(name)
    size = sum(path.stat().st_size for file in found.files or () if (path := found.locate_file(file)).is_file())  # type: ignore[attr-defined]
    needed = [needs for needs in found.requires or () if "extra ==" not in needs]
    return size + sum(closure(re.split(r"[^\w.-]", needs, maxsplit=1)[0], seen) for needs in needed)


print(json.dumps({name: closure(name, set()) for name in sys.argv[1:]}))
