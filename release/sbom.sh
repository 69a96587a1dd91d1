#!/usr/bin/env bash
# Writes the bill of materials of the binary for a platform, in CycloneDX's JSON: target/dist/kubectl-karpcheck_OS_ARCH.cdx.json.
#
# usage: release/sbom.sh PLATFORM
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh
[ $# = 1 ] || { echo "usage: release/sbom.sh PLATFORM" >&2; exit 2; }
triple=$(triple_of "$1")
cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-cyclonedx
mkdir -p target/dist
# It writes beside each manifest, and names its files itself.
name=kubectl-karpcheck_${1/-/_}.cdx
cargo cyclonedx --quiet --manifest-path kubectl-karpcheck/Cargo.toml --format json --spec-version 1.5 --target "$triple" --no-build-deps --override-filename "$name"
mv "kubectl-karpcheck/$name.json" target/dist/
find rules-wasm -name "$name.json" -delete
