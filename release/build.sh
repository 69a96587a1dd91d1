#!/usr/bin/env bash
# Builds the archive of a release for one platform: `bash release/build.sh linux-amd64`.
#
# usage: release/build.sh [--check] PLATFORM
#   PLATFORM  linux-amd64, linux-arm64 (static, musl), darwin-amd64, darwin-arm64 or windows-amd64
#   --check   type-check for the platform only: what a machine without its linker or its SDK can do
#
# KARPCHECK_PROFILE=dev builds unoptimised, in minutes: whether it links and runs, not how large and fast it is.
#
# Leaves target/dist/kubectl-karpcheck_OS_ARCH.tar.gz and its line of SHA256SUMS. The archive is the same for the same sources,
# compiler and SOURCE_DATE_EPOCH (by default the commit's time). The release workflow runs this script and nothing else, on macOS
# with the bash 3.2 that is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platform.sh

# The promise of docs/performance.md, for a binary without a registry's client.
readonly MOST_BYTES=30000000

die() { printf '%s\n' "release/build.sh: $*" >&2; exit 1; }

check=no
if [ "${1:-}" = --check ]; then check=yes; shift; fi
[ $# = 1 ] || die "one platform is needed: linux-amd64, linux-arm64, darwin-amd64, darwin-arm64 or windows-amd64"
platform=$1
binary=$(binary_of "$platform")
triple=$(triple_of "$platform")

# The first of the commands that is there.
first_of() { local name; for name in "$@"; do if command -v "$name" >/dev/null 2>&1; then printf '%s' "$name"; return; fi; done; return 1; }

# rustup's standard library for the target; where rustup cannot be asked, cargo builds it from the compiler's own source.
standard_library=()
if ! { command -v rustup >/dev/null 2>&1 && rustup target add "$triple" >/dev/null 2>&1; }; then
  if [ ! -d "$(rustc --print target-libdir --target "$triple" 2>/dev/null)" ]; then
    [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ] || die "the standard library for $triple is needed: rustup target add $triple, or the source of rustc's library (Debian: rust-web-src)"
    export RUSTC_BOOTSTRAP=1
    standard_library=(-Z "build-std=std,panic_abort")
  fi
fi

# ring brings C and assembly, so the target needs a C compiler; Rust's own lld links for musl, which needs no other tool.
variable=${triple//-/_}
shout=$(printf '%s' "$variable" | tr '[:lower:]' '[:upper:]')
host=$(rustc -vV | sed -n 's/^host: //p')
case $platform in
  linux-amd64)
    case $host in x86_64-*-linux-*) compiler=$(first_of musl-gcc gcc cc) ;; *) compiler=$(first_of x86_64-linux-musl-gcc x86_64-linux-gnu-gcc) ;; esac || die "a C compiler for $triple is needed (Debian: musl-tools)"
    ;;
  linux-arm64)
    case $host in aarch64-*-linux-*) compiler=$(first_of musl-gcc gcc cc) ;; *) compiler=$(first_of aarch64-linux-musl-gcc aarch64-linux-gnu-gcc) ;; esac || die "a C compiler for $triple is needed (Debian: gcc-aarch64-linux-gnu)"
    ;;
  windows-amd64)
    compiler=$(first_of x86_64-w64-mingw32-gcc) || die "a C compiler for $triple is needed (Debian: gcc-mingw-w64-x86-64)"
    export "CARGO_TARGET_${shout}_LINKER=$compiler"
    ;;
  darwin-*)
    if [ "$(uname -s)" = Darwin ]; then compiler=cc
    elif [ $check = no ]; then die "$platform is linked on macOS, whose SDK has no licence for elsewhere; --check type-checks here"
    else
      # Enough for the C of ring, which asks for no header of the SDK.
      mkdir -p target/dist
      if command -v zig >/dev/null 2>&1; then run=zig; elif python3 -m ziglang version >/dev/null 2>&1; then run="python3 -m ziglang"; else die "zig compiles C for $triple here: pip install ziglang"; fi
      case $platform in darwin-amd64) arch=x86_64 ;; *) arch=aarch64 ;; esac
      compiler=$PWD/target/dist/cc-$platform
      # cc-rs passes flags of Apple's clang that zig takes in another form.
      cat > "$compiler" <<EOF
#!/usr/bin/env bash
arguments=()
for argument in "\$@"; do case \$argument in --target=*|-arch|arm64|x86_64|-mmacosx-version-min=*) ;; *) arguments+=("\$argument") ;; esac; done
exec $run cc -target $arch-macos "\${arguments[@]}"
EOF
      chmod +x "$compiler"
      export "AR_$variable=$(first_of llvm-ar ar)" SDKROOT=/
    fi
    ;;
esac
export "CC_$variable=$compiler"
flags=""
case $platform in
  linux-*)
    export "CARGO_TARGET_${shout}_LINKER=rust-lld"
    # A panic ends the process, so nothing unwinds; relocations in the form that takes a twentieth of the room (musl 1.2.4).
    flags="-C force-unwind-tables=no -C link-arg=--pack-dyn-relocs=relr"
    ;;
esac

version=$(workspace_version)
commit=$(git rev-parse --short=10 HEAD 2>/dev/null || true)
SOURCE_DATE_EPOCH=$(time_of_sources)
export SOURCE_DATE_EPOCH
day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" +%F)
export KARPCHECK_VERSION="$version${commit:+ ($commit $day)}"

if [ $check = yes ]; then
  cargo check --locked --target "$triple" -p kubectl-karpcheck --bin kubectl-karpcheck ${standard_library[@]+"${standard_library[@]}"}
  printf '%s: type-checked, not linked\n' "$platform"
  exit
fi
# No path of the machine that builds in messages of panics.
export RUSTFLAGS="${RUSTFLAGS:-} $flags --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
profile=${KARPCHECK_PROFILE:-dist}
folder=$profile
small=()
# Nobody looks for lines in what is only tried, and packing them takes longer than the build.
if [ "$profile" = dev ]; then folder=debug small=(--config profile.dev.debug=false --config profile.dev.strip=true); fi
cargo build --locked --profile "$profile" ${small[@]+"${small[@]}"} --target "$triple" -p kubectl-karpcheck --bin kubectl-karpcheck ${standard_library[@]+"${standard_library[@]}"}

built=${CARGO_TARGET_DIR:-target}/$triple/$folder/$binary
size=$(wc -c < "$built")
[ "$profile" != dist ] || [ "$size" -le $MOST_BYTES ] || die "$built is $size bytes, more than $MOST_BYTES"
case $platform in
  linux-*)
    # Static: no interpreter, no library.
    headers=$(LC_ALL=C readelf -dl "$built")
    case $headers in *INTERP*|*NEEDED*) die "$built is not static" ;; esac
    ;;
esac

bash release/pack.sh "$platform" "$built"
