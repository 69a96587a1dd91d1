#!/usr/bin/env bash
# Prints the licences of all that is in the binary for TRIPLE: the crates that are linked into it and into the built-in pack, with
# the texts that they ship (those of the C in them, too), Rust's library and, where it is static, musl.
#
# usage: release/notices.sh TRIPLE
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: release/notices.sh TRIPLE" >&2; exit 2; }
list=$(mktemp)
trap 'rm -f "$list"' EXIT
# Normal dependencies only: what is used to build is not passed on.
linked() {
  cargo tree --locked -p "$1" -e normal,no-proc-macro --target "$2" --prefix none -f '{p}' |
    sed -n 's/^\([A-Za-z0-9_-]*\) v\([^ ]*\).*/\1 \2/p'
}
{ linked kubectl-karpcheck "$1" && linked karpcheck-rules wasm32-unknown-unknown; } | LC_ALL=C sort -u > "$list"
# The platform alone, so that nothing is downloaded that no build for it needs; no crate of the pack is for WebAssembly only.
cargo metadata --locked --format-version 1 --filter-platform "$1" | python3 -c '
import json, pathlib, sys
linked = {tuple(line.split()) for line in open(sys.argv[1])}
packages = {(p["name"], p["version"]): p for p in json.load(sys.stdin)["packages"]}
unknown = sorted(linked - packages.keys())
if unknown:
    sys.exit(f"release/notices.sh: cargo metadata does not know {unknown}")
texts = {}
for key in sorted(linked):
    package = packages[key]
    if package["source"] is None:
        continue
    folder = pathlib.Path(package["manifest_path"]).parent
    names = ("license", "licence", "copying", "notice", "copyright")
    ends = ("", ".txt", ".md")
    # Also of what a crate brings along: the C library that it wraps has a text of its own.
    files = {f for f in folder.rglob("*") if f.is_file() and f.name.lower().startswith(names)
             and (f.suffix.lower() in ends or f.name.lower().startswith("license-"))}
    if package["license_file"]:
        files.add(folder / package["license_file"])
    label = "%s %s (%s)" % (package["name"], package["version"], package["license"])
    # A crate without a text of its own is named with its licence; the common texts stand with the others.
    for file in sorted(files) or [None]:
        text = file.read_text("utf-8", "replace").strip() if file else "No licence text is shipped with these crates; the identifiers beside their names are SPDX."
        texts.setdefault(text, []).append(label)
print("kubectl-karpcheck is linked with these crates, each under the licence beside its name.")
mit = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""
texts["Copyright (c) The Rust Project Contributors\n\n" + mit] = ["The standard library of Rust (MIT OR Apache-2.0)"]
if "-musl" in sys.argv[2]:
    texts["Copyright © 2005-2020 Rich Felker, et al.\n\n" + mit] = ["musl libc (MIT)"]
for text, labels in texts.items():
    print("\n" + "=" * 100)
    print("\n".join(dict.fromkeys(labels)))
    print("=" * 100 + "\n")
    print(text)
' "$list" "$1"
