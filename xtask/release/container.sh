#!/bin/sh
# Writes the folder from which sender/packages/Dockerfile builds the container image.
#
#     container.sh <folder of packages> <new folder>
set -eu
for processors in amd64:x86_64 arm64:aarch64; do
    folder=$2/linux/${processors%:*}
    mkdir -p "$folder"
    tar --extract --gzip --strip-components 1 --directory "$folder" \
        --file "$(echo "$1"/clarife-sender-*-"${processors#*:}"-unknown-linux-musl.tar.gz)"
done
mkdir "$2/data"
cp "$(dirname "$0")/../../LICENSE" "$2"
