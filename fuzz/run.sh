#!/bin/sh
# Fuzzes one target by coverage, with the stable compiler: fuzz/run.sh TARGET SECONDS [libFuzzer option ...]
#
# What cargo-fuzz does, less the sanitizer (which needs nightly): libFuzzer is told of every branch by the compiler
# pass it is usually told by. Needs a C++ compiler for libFuzzer itself. Without arguments, lists the targets.
set -eu
cd "$(dirname "$0")"
if [ $# -lt 2 ]; then
    echo "usage: fuzz/run.sh TARGET SECONDS [libFuzzer option ...]" >&2
    sed -n 's/^name = "\(.*\)"/  \1/p' Cargo.toml | sed 1d >&2
    exit 2
fi
target=$1 seconds=$2
shift 2
# A target of its own for the flags, so that build scripts and macros are built without them.
triple=$(rustc -vV | sed -n 's/^host: //p')
flags="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1"
for level in level=4 inline-8bit-counters pc-table trace-compares; do
    flags="$flags -Cllvm-args=-sanitizer-coverage-$level"
done
RUSTFLAGS="$flags" cargo build --release --target "$triple" --bin "$target"
mkdir -p "artifacts/$target" "target/corpus/$target"
# What it finds of interest stays out of the repository: the first folder is written to, the second is only read.
exec "${CARGO_TARGET_DIR:-target}/$triple/release/$target" \
    -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -dict=dictionary \
    -artifact_prefix="artifacts/$target/" "$@" "target/corpus/$target" "corpus/$target"
