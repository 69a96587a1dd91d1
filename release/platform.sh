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
