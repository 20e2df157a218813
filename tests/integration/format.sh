#!/usr/bin/env bash
# All of temper's C++ is formatted as .clang-format says.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format >/dev/null || { echo "SKIPPED: clang-format is not installed"; exit 77; }
git ls-files '*.h' '*.cpp' | grep -v '^sdk/template/' | xargs clang-format --dry-run -Werror
