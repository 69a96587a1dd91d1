#!/usr/bin/env bash
# Packs a binary as a release's archive: `bash release/pack.sh linux-amd64 target/x86_64-unknown-linux-musl/dist/kubectl-karpcheck`.
#
# usage: release/pack.sh PLATFORM BINARY [DIST]
#   DIST  where the archive goes (target/dist)
#
# Leaves DIST/kubectl-karpcheck_OS_ARCH.tar.gz, its line of DIST/SHA256SUMS, and what is in it in DIST/PLATFORM. The archive is the same
# for the same binary, sources and SOURCE_DATE_EPOCH. It asks no network where cargo has the crates (`cargo fetch`).
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh

[ $# -ge 2 ] || { echo "usage: release/pack.sh PLATFORM BINARY [DIST]" >&2; exit 2; }
platform=$1 built=$2 dist=${3:-target/dist}
triple=$(triple_of "$platform")
SOURCE_DATE_EPOCH=$(time_of_sources)
# Modes are in the archive, too.
umask 022

stage=$dist/$platform
rm -rf "$stage"
mkdir -p "$stage"
install -m 0755 "$built" "$stage/$(binary_of "$platform")"
install -m 0644 LICENSE NOTICE "$stage/"
bash release/notices.sh "$triple" > "$stage/THIRD-PARTY-LICENSES"
archive=kubectl-karpcheck_${platform/-/_}.tar.gz
# Sorted, without names and times of this machine: two builds of one commit are the same file. Nothing begins with ./, so that
# `tar -xzf ARCHIVE kubectl-karpcheck` takes out the binary alone.
(
  cd "$stage"
  export LC_ALL=C
  if tar --version 2>/dev/null | grep -q GNU; then
    tar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - -- *
  else
    find . -exec touch -h -t "$(date -u -r "$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S)" {} +
    tar --uid 0 --gid 0 -cf - -- *
  fi
) | gzip -9n > "$dist/$archive"
digest=$( (cd "$dist" && { sha256sum "$archive" 2>/dev/null || shasum -a 256 "$archive"; }) )
touch "$dist/SHA256SUMS"
{ grep -v "  $archive\$" "$dist/SHA256SUMS" || true; printf '%s\n' "$digest"; } | LC_ALL=C sort -k2 > "$dist/SHA256SUMS.new"
mv "$dist/SHA256SUMS.new" "$dist/SHA256SUMS"
printf '%s: %s bytes, archive %s bytes\n%s\n' "$dist/$archive" "$(wc -c < "$built")" "$(wc -c < "$dist/$archive")" "$digest"
