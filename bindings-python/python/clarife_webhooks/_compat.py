"""`TypedDict` and `Unpack` for every supported version of Python.

`typing_extensions` is not a dependency. Where it is installed, its `TypedDict` is the one that pydantic accepts before
Python 3.12. `Unpack` is new in Python 3.11; annotations alone use it, and they are strings.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import TypedDict as TypedDict, Unpack as Unpack
elif sys.version_info >= (3, 12):
    from typing import TypedDict, Unpack
else:
    try:
        from typing_extensions import TypedDict, Unpack
    except ImportError:
        from types import GenericAlias
        from typing import TypedDict

        class Unpack:
            """A stand-in that annotations can subscribe."""

            __class_getitem__ = classmethod(GenericAlias)
