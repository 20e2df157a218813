#!/usr/bin/env bash
# Who may include whom: the SDK only the standard library, LibTorch, libraries (in its sources) and itself; a plugin the SDK, libraries and its own folder,
# never the host, never another plugin (folders plugins/*/common are shared by one kind; evaluators also read rewards with
# plugins/stages/common, filters read files with plugins/datasets/common); the host never a plugin.
# Also: nobody includes torch/torch.h, which costs half a minute a file.
set -euo pipefail
cd "${TEMPER_SOURCE_DIR:-$(dirname "$0")/../..}"
failures=0
broken() {
  echo "include law broken: $1"
  failures=$((failures + 1))
}

# includes FOLDER: lines "file:what is included", quotes and brackets kept.
includes() {
  grep -rEno --include='*.h' --include='*.cpp' --include='*.hpp' --include='*.cc' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' "$@" |
    sed -E 's/^([^:]+):[0-9]+:[^<"]*/\1 /'
}

checked=0
while read -r file what; do
  checked=$((checked + 1))
  name=${what:1:-1}
  case "$what" in
    "<ATen/"* | "<c10/"* | "<torch/csrc/"* | "<torch/headeronly/"* | "<torch/library.h>") ;;
    '"temper/'*) ;;
    "<"*/*) [[ "$file" == sdk/src/* && ("$name" == sys/* || "$name" == unicode/* || "$name" == nlohmann/json.hpp || "$name" == arpa/inet.h) ]] || broken "$file includes $what" ;;
    "<"*.h*)
      # POSIX headers of the C library, what the kernels are written in, and libraries, in the SDK's sources only.
      case "$name" in
        pcre2.h | divsufsort.h | divsufsort64.h | immintrin.h | cpuid.h | omp.h | dlfcn.h | fcntl.h | poll.h | signal.h | unistd.h | elf.h) [[ "$file" == sdk/src/* ]] || broken "$file includes $what" ;;
        *) broken "$file includes $what" ;;
      esac
      ;;
    "<"*) ;;
    '"'*)
      [[ "$file" == sdk/src/* && -e "$(dirname "$file")/$name" ]] || broken "$file includes $what"
      ;;
  esac
done < <(includes sdk/include sdk/src)

while read -r file what; do
  checked=$((checked + 1))
  name=${what:1:-1}
  case "$name" in
    host/*) broken "$file includes $what: a plugin may not use the host" ;;
    temper/*) ;;
    *)
      [[ "$what" == '"'* ]] || continue
      # A quoted include has to be found in the plugin's own folder or in its kind's common folder.
      IFS=/ read -r _ kind id _ <<<"$file"
      rooms=("plugins/$kind/$id" "plugins/$kind/common")
      [[ "$kind" == evaluators ]] && rooms+=(plugins/stages/common)
      [[ "$kind" == filters ]] && rooms+=(plugins/datasets/common)
      found=$(find "${rooms[@]}" -type f -path "*/${name#../}" 2>/dev/null | head -1 || true)
      [[ -n "$found" ]] || broken "$file includes $what, which is neither its own nor its kind's common file"
      ;;
  esac
done < <(includes plugins)

while read -r file what; do
  checked=$((checked + 1))
  name=${what:1:-1}
  case "$name" in
    plugins/* | *../plugins/*) broken "$file includes $what: the host may not know a plugin" ;;
  esac
  if [[ "$what" == '"'* && "$name" != host/* && "$name" != temper/* && ! -e "$(dirname "$file")/$name" ]]; then
    broken "$file includes $what, which is no file of the host or the SDK"
  fi
done < <(includes host)

while read -r file what; do
  [[ "$what" == "<torch/torch.h>" ]] && broken "$file includes $what; include narrow headers"
done < <(includes sdk host plugins tests)

# A search that finds nothing would pass silently.
[[ "$checked" -gt 200 ]] || broken "only $checked includes were seen; does the search still work?"
[[ "$failures" -eq 0 ]] || exit 1
echo "$checked includes obey the law"
