#!/usr/bin/env bash
# Prints the licences of every crate that is linked into the binary for TRIPLE, with the texts that the crates ship.
#
# usage: release/notices.sh TRIPLE
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: release/notices.sh TRIPLE" >&2; exit 2; }
# Normal dependencies only: what is used to build is not passed on.
list=$(mktemp)
trap 'rm -f "$list"' EXIT
cargo tree --locked -p kubectl-karpcheck -e normal,no-proc-macro --target "$1" --prefix none -f '{p}' |
  sed -n 's/^\([A-Za-z0-9_-]*\) v\([^ ]*\).*/\1 \2/p' | LC_ALL=C sort -u > "$list"
cargo metadata --locked --format-version 1 --filter-platform "$1" | python3 -c '
import json, pathlib, sys
linked = {tuple(line.split()) for line in open(sys.argv[1])}
texts = {}
for package in sorted(json.load(sys.stdin)["packages"], key=lambda p: (p["name"], p["version"])):
    if (package["name"], package["version"]) not in linked or package["source"] is None:
        continue
    folder = pathlib.Path(package["manifest_path"]).parent
    names = ("license", "licence", "copying", "notice", "copyright")
    files = sorted(f for f in folder.iterdir() if f.is_file() and f.name.lower().startswith(names))
    if package["license_file"]:
        files = sorted({*files, folder / package["license_file"]})
    label = "%s %s (%s)" % (package["name"], package["version"], package["license"])
    # A crate without a text of its own is named with its licence; the common texts stand with the others.
    for file in files or [None]:
        text = file.read_text("utf-8", "replace").strip() if file else "No licence text is shipped with these crates; the identifiers beside their names are SPDX."
        texts.setdefault(text, []).append(label)
print("kubectl-karpcheck is linked with these crates, each under the licence beside its name.")
for text, labels in texts.items():
    print("\n" + "=" * 100)
    print("\n".join(dict.fromkeys(labels)))
    print("=" * 100 + "\n")
    print(text)
' "$list"
