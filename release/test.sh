#!/usr/bin/env bash
# Builds a release here and holds what comes out to what an operator gets: `bash release/test.sh linux-amd64 linux-arm64`.
#
# Per platform: the archive is what krew's manifest wants, and (with Go) krew itself installs it; the binary runs in an empty root,
# arm64 by qemu-user, which the kernel starts (it needs root, and is undone); it finds the errors of the example. Where buildah and root are to
# be had, the image is built of it, without a base, so that nothing is pulled, and runs as its user in a root that cannot be written. A second run of the packing gives the same bytes. Of platforms that
# cannot be linked here `--check PLATFORM` type-checks.
#
# usage: release/test.sh [PLATFORM | --check PLATFORM]...
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh
root=$PWD

say() { printf '\n-- %s\n' "$*"; }
fail() { printf '%s\n' "release/test.sh: $*" >&2; exit 1; }

version=$(workspace_version)
work=$(mktemp -d)
registered=""
trap 'rm -rf "$work"; if [ -n "$registered" ]; then echo -1 > "$registered"; fi' EXIT

# Has the kernel start programs of another processor by qemu, also those that they start themselves: the compiler is one of them.
# $1: the processor, $2: its number in ELF.
emulate() {
  local registry=/proc/sys/fs/binfmt_misc emulator
  if [ -e "$registry/qemu-$1" ] && grep -q '^flags:.*F' "$registry/qemu-$1"; then return; fi
  emulator=$(command -v "qemu-$1-static") || fail "qemu-user is needed to run a binary for $1 here (Debian: qemu-user-static)"
  [ -e $registry/register ] || mount -t binfmt_misc binfmt_misc $registry || fail "a binary for $1 needs the kernel's binfmt_misc here"
  # The start of an ELF file for it; F opens qemu now, so that it is found from an empty root.
  printf '%s' ":karpcheck-$1:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x$2\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$emulator:F" > $registry/register ||
    fail "the kernel does not take qemu for $1 (that needs root)"
  registered=$registry/karpcheck-$1
}

# Runs the binary in a root that holds nothing but it and the example.
in_an_empty_root() {
  local binary=$1 empty=$work/root
  rm -rf "$empty"
  mkdir -p "$empty/tmp"
  cp "$binary" "$empty/kubectl-karpcheck"
  cp -R examples/broken-cluster "$empty/example"
  local enter=(chroot "$empty")
  if [ "$(id -u)" != 0 ]; then
    # Ubuntu 24.04 lets users make no namespaces; a runner there may sudo.
    if sudo -n true 2>/dev/null; then enter=(sudo -n chroot "--userspec=$(id -u):$(id -g)" "$empty"); else enter=(unshare --map-root-user chroot "$empty"); fi
  fi
  local shown
  shown=$("${enter[@]}" /kubectl-karpcheck --version)
  case $shown in *"$version"*) ;; *) fail "--version says $shown, not $version" ;; esac
  local code=0
  "${enter[@]}" /kubectl-karpcheck check --offline -f /example -o json > "$work/report.json" || code=$?
  [ $code = 1 ] || fail "the example ends with $code, not 1"
  grep -q '"rule": *"[a-z/]*queue-aws-managed-key"' "$work/report.json" || fail "the example's queue under alias/aws/sqs is not found"
  printf '%s runs in an empty root: %s\n' "$(basename "$binary")" "$shown"
}

# Builds the image of the binary and runs it as the CronJob of deploy/base does. $1: the binary, $2: its processor as images name it.
as_an_image() {
  local binary=$1 arch=$2
  if ! command -v buildah >/dev/null || [ "$(id -u)" != 0 ]; then
    printf 'no image: that needs buildah, and root\n'
    return
  fi
  local buildah=(buildah --storage-driver vfs --root "$work/images" --runroot "$work/images-run") folder=$work/image
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$binary" "$folder/kubectl-karpcheck"
  "${buildah[@]}" bud -q --isolation chroot --arch "$arch" --build-arg BASE=scratch -f deploy/Dockerfile -t kubectl-karpcheck "$folder" > /dev/null
  local config container image found code=0
  config=$("${buildah[@]}" inspect --type image --format '{{.OCIv1.Architecture}} {{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}' kubectl-karpcheck)
  [ "$config" = "$arch 65532:65532 [/kubectl-karpcheck]" ] || fail "the image is for: $config"
  container=$("${buildah[@]}" from kubectl-karpcheck)
  image=$("${buildah[@]}" mount "$container")
  [ "$(cd "$image" && find . -type f)" = ./kubectl-karpcheck ] || fail "the image holds: $(cd "$image" && find . -type f)"
  # shellcheck disable=SC2016 # They are the inner shell's.
  found=$(env -i PATH="$PATH" unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot --userspec=65532:65532 "$0" "$@"' \
    "$image" /kubectl-karpcheck check --offline -o name -f - < examples/broken-cluster/ack/queue.yaml) || code=$?
  [ $code = 1 ] || fail "in the image the example ends with $code, not 1: $found"
  "${buildah[@]}" rm -a > /dev/null
  printf 'the image for %s runs as 65532 in a root that cannot be written\n' "$arch"
}

while [ $# -gt 0 ]; do
  if [ "$1" = --check ]; then
    say "$2: type-checked"
    bash release/build.sh --check "$2"
    shift 2
    continue
  fi
  platform=$1
  shift
  say "$platform: built"
  bash release/build.sh "$platform"
  archive=target/dist/kubectl-karpcheck_${platform/-/_}.tar.gz
  before=$(sha256sum < "$archive")
  bash release/build.sh "$platform" > "$work/again"
  [ "$before" = "$(sha256sum < "$archive")" ] || fail "packing $platform twice gives two archives"
  mkdir -p "$work/$platform"
  tar -xzf "$archive" -C "$work/$platform"
  (cd target/dist && sha256sum --quiet --ignore-missing -c SHA256SUMS)
  for file in LICENSE NOTICE THIRD-PARTY-LICENSES; do [ -s "$work/$platform/$file" ] || fail "$archive has no $file"; done
  case $platform in
    linux-amd64) processor=x86_64 machine=3e ;;
    linux-arm64) processor=aarch64 machine=b7 ;;
    *) continue ;;
  esac
  if [ "$(uname -m)" != "$processor" ]; then emulate "$processor" "$machine"; fi
  say "$platform: run"
  in_an_empty_root "$work/$platform/kubectl-karpcheck"
  as_an_image "$work/$platform/kubectl-karpcheck" "${platform#linux-}"
done

# krew's own code installs the archive of this machine, where Go can build it. It wants git for its index, which is not asked here.
native=linux_$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)
if command -v go >/dev/null 2>&1 && [ -f "target/dist/kubectl-karpcheck_$native.tar.gz" ]; then
  say "krew installs it"
  krew=target/dist/krew
  [ -x $krew ] || GOBIN=$root/target/dist go install sigs.k8s.io/krew/cmd/krew@v0.4.3
  bash release/krew.sh "v$version" > "$work/karpcheck.yaml"
  export KREW_ROOT=$work/krew
  mkdir -p "$KREW_ROOT/index/default"
  git init -q "$KREW_ROOT/index/default"
  $krew install --manifest "$work/karpcheck.yaml" --archive "target/dist/kubectl-karpcheck_$native.tar.gz"
  PATH=$KREW_ROOT/bin:$PATH kubectl-karpcheck --version
  if command -v kubectl >/dev/null 2>&1; then PATH=$KREW_ROOT/bin:$PATH kubectl karpcheck --version; fi
  [ -s "$KREW_ROOT/store/karpcheck/v$version/LICENSE" ] || fail "krew installed no LICENSE"
fi
say "done"
