#!/usr/bin/env bash
# Holds to each other what names the version of a release: what users install by it is what was tagged. With a tag, what the tag stands
# for, too: the version of Cargo.toml, and a section of the changelog with nothing left beside it.
#
# usage: release/check.sh [TAG]
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh
version=$(workspace_version)
wrong=0
fault() { printf 'release/check.sh: %s\n' "$*" >&2; wrong=1; }

# A version of ours beside what it is of: the action, the GitLab job, the image, what the docs tell to copy.
named=$(grep -noE '(default: v|KARPCHECK_VERSION: v|newTag: |kubectl-karpcheck:|kubectl-karpcheck@v|rev: v|releases/download/v|krew\.sh v)[0-9]+\.[0-9]+\.[0-9]+' \
  action.yml release/templates/gitlab-ci.yml deploy/Dockerfile deploy/base/kustomization.yaml docs/*.md README.md \
  rules-wasm/examples/*/.github/workflows/pack.yaml)
while IFS=: read -r file line text; do
  case $text in *[!0-9.]"$version") ;; *) fault "$file:$line names another version than $version: $text" ;; esac
done <<< "$named"
for file in action.yml release/templates/gitlab-ci.yml deploy/base/kustomization.yaml docs/install.md docs/ci.md; do
  case $named in *"$file:"*) ;; *) fault "$file names no version" ;; esac
done

if [ $# -gt 0 ]; then
  [ "$1" = "v$version" ] || fault "the tag $1 is not the version of Cargo.toml, $version"
  bash release/changes.sh "$1" > /dev/null || wrong=1
  left=$(awk '/^## \[Unreleased\]/ { inside = 1; next } /^## / { inside = 0 } inside && NF' CHANGELOG.md)
  [ -z "$left" ] || fault "CHANGELOG.md has lines under Unreleased, and what they say is in this release"
fi
exit $wrong
