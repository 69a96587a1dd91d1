#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version.
#
# usage: release/changes.sh TAG
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: release/changes.sh TAG" >&2; exit 2; }
awk -v heading="## [${1#v}]" 'index($0, heading) == 1 { found = inside = 1; next } inside && /^## / { inside = 0 } inside { print } END { exit !found }' CHANGELOG.md ||
  { echo "release/changes.sh: CHANGELOG.md has no section for $1" >&2; exit 1; }
