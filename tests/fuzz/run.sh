#!/usr/bin/env bash
# Every fuzz target for some seconds: `tests/fuzz/run.sh [SECONDS [TARGET…]]`, 60 and all of them by default.
#
# A target is a file in fuzz_targets; the inputs that it begins with are in seeds/TARGET. What it finds stays in target/,
# and a failing input is written to target/failed. It needs the Rust compiler and a C++ compiler (libFuzzer is C++), no
# nightly and no cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")"

seconds="${1:-60}"
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

cargo build --quiet --release --locked
mkdir -p target/failed
built="target/$(rustc --print host-tuple)/release"
for target in "${targets[@]}"; do
  echo "fuzzing $target for $seconds s"
  mkdir -p "target/corpus/$target" "seeds/$target"
  # An input that takes 10 s, or 1 GB, is a failure: nothing that a reader is given may make it hang.
  "$built/$target" "target/corpus/$target" "seeds/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -max_len=16384 -artifact_prefix="target/failed/$target-" -print_final_stats=1 -verbosity=0
done
