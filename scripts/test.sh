#!/usr/bin/env bash
# All set-up, a sanitizer build and the unit tests under it, then a release build and all other tests. Ends with ctest's
# output. Without the sanitizers the release build has the unit tests as well.
# Usage: scripts/test.sh [--no-sanitizers]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
say() { printf '\n== %s\n' "$*"; }

# Two tests share the cores; threads that spin while they wait would take each other's time.
export OMP_WAIT_POLICY=passive

say "set-up"
scripts/setup.sh
unit_tests=ON
if [ "${1:-}" != "--no-sanitizers" ]; then
  say "sanitizer build (AddressSanitizer, UndefinedBehaviorSanitizer) of the unit tests"
  cmake --preset asan >/dev/null
  # Only suites that do not run models: LibTorch itself is not built with sanitizers.
  cmake --build --preset asan --target unit_tests
  say "unit tests under sanitizers"
  ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    ctest --preset asan --no-tests=error -j 2
  # Building and running them a second time would take a fifth of the whole time.
  unit_tests=OFF
fi
say "release build"
cmake --preset release -DTEMPER_UNIT_TESTS=$unit_tests >/dev/null
cmake --build --preset release
say "all tests"
ctest --preset release --no-tests=error -j 2
