#!/usr/bin/env bash
# Packs what authors of rules in JavaScript and Python depend on: the contract, and the helper module with its types. Their version is
# the contract's. Leaves target/dist/karpcheck-rules-VERSION.tgz for npm and target/dist/karpcheck_rules-VERSION-py3-none-any.whl
# for PyPI; publishes nothing. The SDK of Rust is published by cargo: `cargo publish -p karpcheck-sdk`.
#
# usage: release/types.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^package karpcheck:rules@\(.*\);$/\1/p' wit/karpcheck.wit)
[ -n "$version" ] || { echo "release/types.sh: wit/karpcheck.wit names no version" >&2; exit 1; }
repository=$(sed -n 's/^repository = "\(.*\)"$/\1/p' Cargo.toml)
dist=$PWD/target/dist
mkdir -p "$dist"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# How a package is used. $1: the language, $2: what \`pack new\` calls it.
readme() {
  cat <<EOF
# Rules for kubectl karpcheck in $1

What rule packs of [kubectl karpcheck]($repository) are written with in $1: the helper module with its types, and the contract
\`karpcheck:rules@$version\`. A project that uses it is made, tested and built by the plugin:

    kubectl karpcheck pack new my-rules --lang $2
    kubectl karpcheck pack test my-rules
    kubectl karpcheck pack build my-rules -o my-rules.wasm

[Write your first rule]($repository/blob/main/docs/writing-packs.md) goes on from there.
EOF
}

mkdir "$stage/npm" "$stage/npm/wit"
cp rules-wasm/examples/javascript/karpcheck.js rules-wasm/examples/javascript/karpcheck.d.ts LICENSE "$stage/npm/"
cp wit/karpcheck.wit wit/README.md "$stage/npm/wit/"
readme JavaScript js > "$stage/npm/README.md"
cat > "$stage/npm/package.json" <<EOF
{
  "name": "karpcheck-rules",
  "version": "$version",
  "description": "Write rule packs for kubectl karpcheck in JavaScript",
  "license": "Apache-2.0",
  "repository": { "type": "git", "url": "git+$repository.git" },
  "type": "module",
  "main": "./karpcheck.js",
  "types": "./karpcheck.d.ts",
  "exports": { ".": { "types": "./karpcheck.d.ts", "default": "./karpcheck.js" }, "./wit/*": "./wit/*" },
  "files": ["karpcheck.js", "karpcheck.d.ts", "wit"]
}
EOF
(cd "$stage/npm" && npm pack --silent --pack-destination "$dist" >/dev/null)

mkdir "$stage/python" "$stage/python/karpcheck"
cp rules-wasm/examples/python/karpcheck.py "$stage/python/karpcheck/__init__.py"
cp wit/karpcheck.wit "$stage/python/karpcheck/"
touch "$stage/python/karpcheck/py.typed"
readme Python python > "$stage/python/README.md"
cp LICENSE "$stage/python/"
cat > "$stage/python/pyproject.toml" <<EOF
[build-system]
requires = ["setuptools==80.9.0"]
build-backend = "setuptools.build_meta"

[project]
name = "karpcheck-rules"
version = "$version"
description = "Write rule packs for kubectl karpcheck in Python"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.10"
urls = { Repository = "$repository" }

[tool.setuptools]
packages = ["karpcheck"]

[tool.setuptools.package-data]
karpcheck = ["karpcheck.wit", "py.typed"]
EOF
python3 -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$dist" "$stage/python"

for file in "$dist/karpcheck-rules-$version.tgz" "$dist/karpcheck_rules-$version-py3-none-any.whl"; do
  [ -s "$file" ] || { echo "release/types.sh: $file was not made" >&2; exit 1; }
  printf '%s: %s bytes\n' "${file#"$PWD/"}" "$(wc -c < "$file")"
done
