#!/usr/bin/env bash
# What a plugin author does: install temper, `temper plugins new`, build outside temper's tree without a warning, run the
# project's own tests, and use the plugin from the installed program. Kinds are arguments; all six by default.
set -euo pipefail
build=${TEMPER_BUILD_DIR:-$(cd "$(dirname "$0")/../../build/release" && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "plugins_new: $1"
  exit 1
}

prefix="$work/prefix"
cmake --install "$build" --prefix "$prefix" >"$work/install.log" 2>&1 || {
  tail -5 "$work/install.log"
  fail "cmake --install failed"
}
# The program is called away from the build, with no folder given: it has to find its libraries and plugins by itself.
cd "$work"
unset TEMPER_PLUGIN_PATH
temper="$prefix/bin/temper"
"$temper" plugins list --format json >list.json
grep -q '"failures": \[\]' list.json || fail "the installed program has plugins that do not load: $(cat list.json)"
for id in gpt causal_lm pretrain sft sentencepiece perplexity; do
  grep -q "\"id\": \"$id\"" list.json || fail "the installed program does not find its plugin $id"
done
if grep -rqF "$build" "$prefix"/lib*/cmake "$prefix"/lib*/*/cmake 2>/dev/null; then
  fail "the installed CMake package names the build folder, so it breaks when that is gone"
fi

command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache
command -v ninja >/dev/null && export CMAKE_GENERATOR=Ninja
[ $# -gt 0 ] || set -- architecture evaluator tokenizer dataset filter objective stage
for kind in "$@"; do
  name="my_$kind"
  "$temper" plugins new "$kind" "$name" --out "$work/own" >new.log
  cmake -S "own/$name" -B "own/$name/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS=-Werror >cmake.log 2>&1 || {
    cat cmake.log
    fail "$kind: the project cannot be configured"
  }
  cmake --build "own/$name/build" >build.log 2>&1 || {
    grep -E -m 20 'error|warning' build.log || tail -30 build.log
    fail "$kind: the project does not build without warnings"
  }
  ctest --test-dir "own/$name/build" --no-tests=error --output-on-failure >ctest.log 2>&1 || {
    cat ctest.log
    fail "$kind: the project's tests fail"
  }
  grep -q "conformance.$kind.$name" ctest.log || fail "$kind: its conformance checks were not run"
  # The checks must have looked at something: with all skipped nothing would be known.
  "$temper" plugins check "own/$name/build/plugins/${kind}_$name.so" >check.log || {
    cat check.log
    fail "$kind: temper plugins check fails"
  }
  passed=$(grep -c '^pass' check.log)
  [ "$passed" -ge 9 ] || fail "$kind: only $passed checks ran"
  "$temper" plugins describe "$name" --plugin-path "own/$name/build/plugins" >describe.log ||
    fail "$kind: the program does not find the new plugin"
  echo "$kind: built, tested, $passed checks passed"
done
