#!/usr/bin/env bash
# Writes the bill of materials of the binary for a platform, in CycloneDX's JSON: target/dist/kubectl-karpcheck_OS_ARCH.cdx.json. It lists
# the crates of the binary and of the built-in pack in it. The same commit gives the same file.
#
# usage: release/sbom.sh PLATFORM
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh
[ $# = 1 ] || { echo "usage: release/sbom.sh PLATFORM" >&2; exit 2; }
triple=$(triple_of "$1")
cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked --quiet --version 0.5.9 cargo-cyclonedx
mkdir -p target/dist
# It then leaves out the number that it would draw by lot.
SOURCE_DATE_EPOCH=$(time_of_sources)
export SOURCE_DATE_EPOCH
# It writes beside each manifest, and names its files itself.
name=kubectl-karpcheck_${1/-/_}.cdx
bill() { cargo cyclonedx --quiet --manifest-path kubectl-karpcheck/Cargo.toml --format json --spec-version 1.5 --target "$1" --no-build-deps --override-filename "$name"; }
bill wasm32-unknown-unknown
mv "rules-wasm/$name.json" "target/dist/pack.cdx.json"
bill "$triple"
python3 -c '
import json, pathlib, sys
def read(file):
    # Where it was built is not what it is made of.
    text = pathlib.Path(file).read_text("utf-8")
    return json.loads(text.replace("path+file://" + str(pathlib.Path.cwd()), "path+file://."))
whole, pack = read(sys.argv[1]), read(sys.argv[2])
# The pack is a part of the program, with parts of its own.
part = pack["metadata"]["component"]
part.pop("components", None)
known = {component["bom-ref"] for component in whole["components"]}
whole["components"] += [component for component in [part, *pack["components"]] if component["bom-ref"] not in known]
depends = {entry["ref"]: entry for entry in whole["dependencies"]}
for entry in pack["dependencies"]:
    depends.setdefault(entry["ref"], entry)
program = depends[whole["metadata"]["component"]["bom-ref"]]
program["dependsOn"] = sorted({*program.get("dependsOn", []), part["bom-ref"]})
whole["dependencies"] = [depends[ref] for ref in sorted(depends)]
whole["components"].sort(key=lambda component: component["bom-ref"])
pathlib.Path(sys.argv[3]).write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
' "kubectl-karpcheck/$name.json" target/dist/pack.cdx.json "target/dist/$name.json"
rm -f "kubectl-karpcheck/$name.json" target/dist/pack.cdx.json
find rules-wasm -name "$name.json" -delete
printf '%s\n' "target/dist/$name.json"
