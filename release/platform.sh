# shellcheck shell=bash
# Sourced by the scripts beside it, in the repository's root.

# Prints what Rust calls a platform of the release.
triple_of() {
  case $1 in
    linux-amd64) echo x86_64-unknown-linux-musl ;;
    linux-arm64) echo aarch64-unknown-linux-musl ;;
    darwin-amd64) echo x86_64-apple-darwin ;;
    darwin-arm64) echo aarch64-apple-darwin ;;
    windows-amd64) echo x86_64-pc-windows-gnu ;;
    *) echo "unknown platform $1: linux-amd64, linux-arm64, darwin-amd64, darwin-arm64 or windows-amd64" >&2; return 1 ;;
  esac
}

# Prints the version of the workspace, as Cargo.toml has it.
workspace_version() { sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1; }

# Prints the second that a build says it is from, so that two builds of one commit are the same.
time_of_sources() { printf '%s' "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"; }

# Prints what the binary is called on a platform.
binary_of() { case $1 in windows-*) echo kubectl-karpcheck.exe ;; *) echo kubectl-karpcheck ;; esac; }
