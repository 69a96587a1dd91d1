#!/usr/bin/env bash
# Prints the krew manifest of a release: krew-manifest.yaml with the archives' addresses and digests, as krew-release-bot renders it.
# For a custom index (plugins/karpcheck.yaml in a repository of its own), and to install an archive that was built here:
#
#   bash release/krew.sh v0.1.0 > karpcheck.yaml
#   kubectl krew install --manifest karpcheck.yaml --archive target/dist/kubectl-karpcheck_linux_amd64.tar.gz
#
# usage: release/krew.sh TAG [DIST]
#   DIST  the folder with SHA256SUMS (target/dist); a platform that was not built there is left out
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: release/krew.sh TAG [DIST]" >&2; exit 2; }
tag=$1 dist=${2:-target/dist}
case $tag in v[0-9]*) ;; *) echo "release/krew.sh: $tag is no tag of a release: v0.1.0" >&2; exit 2 ;; esac
[ -s "$dist/SHA256SUMS" ] || { echo "release/krew.sh: there is no $dist/SHA256SUMS" >&2; exit 1; }
grep -q '  kubectl-karpcheck_.*[.]tar[.]gz$' "$dist/SHA256SUMS" || { echo "release/krew.sh: $dist/SHA256SUMS names no archive" >&2; exit 1; }
awk -v tag="$tag" -v sums="$dist/SHA256SUMS" '
  BEGIN { while ((getline line < sums) > 0) { split(line, part, /  /); digest[part[2]] = part[1] } }
  /^#/ { next }
  # A platform begins with its selector and is printed once it is known whether its archive is there.
  /^  - selector:/ { flush(); held = ""; keep = 1 }
  /addURIAndSha/ {
    url = $0; sub(/^[^"]*"/, "", url); sub(/".*$/, "", url); gsub(/[{][{] .TagName [}][}]/, tag, url)
    name = url; sub(/^.*\//, "", name)
    keep = name in digest
    held = held "    uri: " url "\n    sha256: " digest[name] "\n"; next
  }
  { gsub(/[{][{] .TagName [}][}]/, tag); held = held $0 "\n" }
  function flush() { if (held != "" && (keep || !started)) { printf "%s", held; started = 1 } }
  END { flush() }
' krew-manifest.yaml
