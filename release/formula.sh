#!/usr/bin/env bash
# Prints the Homebrew formula of a release, for a tap (Formula/karpcheck.rb).
#
# usage: release/formula.sh TAG [DIST]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: release/formula.sh TAG [DIST]" >&2; exit 2; }
tag=$1 dist=${2:-target/dist}
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
case $tag in v[0-9]*) ;; *) echo "release/formula.sh: $tag is no tag of a release: v0.1.0" >&2; exit 2 ;; esac
[ -s "$dist/SHA256SUMS" ] || { echo "release/formula.sh: there is no $dist/SHA256SUMS" >&2; exit 1; }
# Assigned one by one: what fails within the text below would be lost.
digest() {
  awk -v name="kubectl-karpcheck_$1.tar.gz" '$2 == name { print $1; found = 1 } END { exit !found }' "$dist/SHA256SUMS" ||
    { echo "release/formula.sh: $dist has no archive for $1" >&2; return 1; }
}
darwin_arm64=$(digest darwin_arm64)
darwin_amd64=$(digest darwin_amd64)
linux_arm64=$(digest linux_arm64)
linux_amd64=$(digest linux_amd64)
source_of() { printf 'url "%s/releases/download/%s/kubectl-karpcheck_%s.tar.gz"\n      sha256 "%s"' "$repository" "$tag" "$1" "$2"; }
cat <<EOF
class Karpcheck < Formula
  desc "Finds what will break Karpenter on AWS"
  homepage "$repository"
  version "${tag#v}"
  license "Apache-2.0"

  on_macos do
    on_arm do
      $(source_of darwin_arm64 "$darwin_arm64")
    end
    on_intel do
      $(source_of darwin_amd64 "$darwin_amd64")
    end
  end

  on_linux do
    on_arm do
      $(source_of linux_arm64 "$linux_arm64")
    end
    on_intel do
      $(source_of linux_amd64 "$linux_amd64")
    end
  end

  def install
    bin.install "kubectl-karpcheck"
    generate_completions_from_executable(bin/"kubectl-karpcheck", "completion")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kubectl-karpcheck --version")
  end
end
EOF
