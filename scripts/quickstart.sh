#!/usr/bin/env bash
# All set-up, the build, and the main job: pretrain a small model on Shakespeare, Milton and a small invented world, tune it
# on instructions, and compare the two stages. About ten minutes on two cores after the build.
# Usage: scripts/quickstart.sh [options of `temper run`, e.g. --seed 2]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
scripts/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target temper_program
log=$(mktemp)
trap 'rm -f "$log"' EXIT
build/release/temper run experiments/quickstart.yaml "$@" | tee "$log"
record=$(sed -n 's/^record: *//p' "$log")
[ -n "$record" ] || exit 0
echo
echo "Try what the stages learnt:"
for stage in pretrain sft; do
  echo "  build/release/temper generate $record:$stage --prompt \"Tell me about Ada Marsh. Do not use any commas.\""
done
