#!/bin/sh
# Checks the Python package with several versions of CPython, which uv installs.
#
#     smoke_pythons.sh <uv's name of the platform> <package> <versions>
#     smoke_pythons.sh linux-x86_64-musl dist "3.10 3.14t"
set -eu
for version in $3; do
    uv run --no-project --python "cpython-$version-$1" "$(dirname "$0")/smoke.py" "$2"
done
