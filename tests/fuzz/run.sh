#!/usr/bin/env bash
# Every fuzz target for some seconds: `tests/fuzz/run.sh [SECONDS [TARGET…]]`, 60 and all of them by default.
#
# A target is a file in fuzz_targets. The inputs that it begins with are in seeds/TARGET, and the project's fixtures of
# its format. What it finds stays in target/, and a failing input is written to target/failed. It needs the Rust compiler and
# a C++ compiler (libFuzzer is C++), no nightly and no cargo-fuzz. KARPCHECK_FUZZ_SEED makes two runs try the same; without it each
# run tries something else.
set -euo pipefail
cd "$(dirname "$0")"
fixtures=../fixtures

seconds="${1:-60}"
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

# The fixtures that a target begins with: real files of its format, and what the rules are tested with.
seeds() {
  case "$1" in
    yaml) find $fixtures/corpus $fixtures/live -name '*.yaml' -o -name '*.yml' ;;
    json) find $fixtures -name '*.json' ! -name vectors.json ! -path '*/iam/services/*' ;;
    kubernetes) grep -rlE '^ *apiVersion: ' $fixtures/corpus $fixtures/rules $fixtures/live ;;
    cloudformation) grep -rlE 'AWSTemplateFormatVersion|AWS::[A-Z][A-Za-z]+::' $fixtures/corpus $fixtures/karpenter/cfn $fixtures/rules \
      --include=*.yaml --include=*.yml --include=*.json --include=*.template ;;
    helm) grep -rlE '^settings:|^ *chart: karpenter|interruptionQueue' $fixtures/corpus $fixtures/rules --include=*.yaml ;;
    terraform) grep -rlE '"(terraform_version|planned_values|lineage)"' $fixtures --include=*.json --include=*.tfstate ;;
    hcl) find $fixtures -name '*.tf' ;;
    iam) grep -rlE '"Statement"' $fixtures/corpus $fixtures/rules $fixtures/karpenter/iam --include=*.json ;;
    aws) grep -rlE '"(KeyMetadata|Attributes|Policy|AttachedPolicies|Rules|Targets|karpcheck|PolicyDocument|Role)"' $fixtures --include=*.json ;;
    patch) find $fixtures/corpus -name '*.yaml' -o -name '*.yml' -o -name '*.tf' ;;
    *) ;;
  esac
}

cargo build --quiet --release --locked
mkdir -p target/failed
built="target/$(rustc --print host-tuple)/release"
for target in "${targets[@]}"; do
  echo "fuzzing $target for $seconds s"
  seeded="target/seeds/$target"
  rm -rf "$seeded"
  mkdir -p "target/corpus/$target" "$seeded" "seeds/$target"
  while read -r file; do
    # Long files are slow to change: the formats show in short ones.
    [ "$(wc -c <"$file")" -gt 32768 ] || cp "$file" "$seeded/$(echo "${file#"$fixtures"/}" | tr / -)"
  done < <(seeds "$target" | sort)
  # An input that takes 10 s, or 1 GB, is a failure: nothing that a reader is given may make it hang.
  "$built/$target" "target/corpus/$target" "$seeded" "seeds/$target" -max_total_time="$seconds" -timeout=10 \
    -seed="${KARPCHECK_FUZZ_SEED:-0}" \
    -rss_limit_mb=1024 -max_len=32768 -artifact_prefix="target/failed/$target-" -print_final_stats=1 -verbosity=0
done
