#!/usr/bin/env bash
# Training throughput of temper against eager PyTorch, in turn on the same machine, and the ratio of tokens/s.
# Usage: tests/bench/compare_train.sh PYTHON_WITH_TORCH [ROUNDS]       (builds bench_train in build/release first)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${1:?give a Python that has torch}
rounds=${2:-3}
cmake --build "$root/build/release" --target bench_train >/dev/null
bench="$root/build/release/tests/bench/bench_train"
run() { # name, then d_model layers heads steps
  local name=$1 i; shift
  for i in $(seq "$rounds"); do
    "$bench" "$@"
    "$python" "$root/tests/bench/bench_train.py" "$@"
  done | python3 "$root/tests/bench/ratio.py" "$name"
}
run 5M 256 4 4 30
run 30M 512 8 8 8
