# Finds LibTorch without a CUDA toolkit and defines the imported target LibTorch::cpu.
# Looks, in this order, at: the variable or environment TEMPER_LIBTORCH, CMAKE_PREFIX_PATH, the project's .deps folder,
# and the torch of the Python on PATH. Accepts an unpacked pip wheel (a folder torch/ with include/ and lib/), the official
# zip (libtorch/ with include/ and lib/), or the folder above either.
# Sets LibTorch_FOUND, LibTorch_ROOT, LibTorch_VERSION (2.11.0), LibTorch_BUILD (2.11.0+cu130), LibTorch_LIBRARY_DIR.
set(_temper_torch_candidates)
set(TEMPER_LIBTORCH "$ENV{TEMPER_LIBTORCH}" CACHE PATH "LibTorch folder: unpacked wheel, official zip, or the folder above")
if(TEMPER_LIBTORCH)
  list(APPEND _temper_torch_candidates "${TEMPER_LIBTORCH}" "${TEMPER_LIBTORCH}/torch" "${TEMPER_LIBTORCH}/libtorch")
else()
  foreach(_prefix IN LISTS CMAKE_PREFIX_PATH)
    list(APPEND _temper_torch_candidates "${_prefix}" "${_prefix}/torch" "${_prefix}/libtorch")
  endforeach()
  list(APPEND _temper_torch_candidates "${CMAKE_CURRENT_LIST_DIR}/../.deps/torch/torch")
  if(DEFINED temper_LIBTORCH_HINT)
    list(APPEND _temper_torch_candidates "${temper_LIBTORCH_HINT}")
  endif()
endif()

set(LibTorch_ROOT "LibTorch_ROOT-NOTFOUND")
foreach(_candidate IN LISTS _temper_torch_candidates)
  if(EXISTS "${_candidate}/include/ATen/ATen.h" AND EXISTS "${_candidate}/lib/libtorch_cpu.so")
    get_filename_component(LibTorch_ROOT "${_candidate}" REALPATH)
    break()
  endif()
endforeach()
if(NOT LibTorch_ROOT AND NOT TEMPER_LIBTORCH)
  find_program(_temper_python3 python3)
  if(_temper_python3)
    execute_process(COMMAND "${_temper_python3}" -c
      "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
      OUTPUT_VARIABLE _candidate OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(_candidate AND EXISTS "${_candidate}/lib/libtorch_cpu.so")
      set(LibTorch_ROOT "${_candidate}")
    endif()
  endif()
endif()

if(LibTorch_ROOT)
  set(LibTorch_LIBRARY_DIR "${LibTorch_ROOT}/lib")
  set(_version_header "${LibTorch_ROOT}/include/torch/headeronly/version.h")
  if(EXISTS "${_version_header}")
    file(STRINGS "${_version_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
    string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" LibTorch_VERSION "${_lines}")
  endif()
  set(LibTorch_BUILD "${LibTorch_VERSION}")
  if(EXISTS "${LibTorch_ROOT}/version.py")
    file(STRINGS "${LibTorch_ROOT}/version.py" _lines REGEX "__version__ = ")
    string(REGEX REPLACE ".*'([^']+)'.*" "\\1" LibTorch_BUILD "${_lines}")
  elseif(EXISTS "${LibTorch_ROOT}/build-version")
    file(STRINGS "${LibTorch_ROOT}/build-version" LibTorch_BUILD LIMIT_COUNT 1)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_ROOT VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or give the folder with -DTEMPER_LIBTORCH=/path/to/libtorch")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_LIBRARY_DIR}/libc10.so")
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LibTorch_LIBRARY_DIR}/libtorch_cpu.so"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_ROOT}/include;${LibTorch_ROOT}/include/torch/csrc/api/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LibTorch_ROOT}/include;${LibTorch_ROOT}/include/torch/csrc/api/include"
    INTERFACE_COMPILE_DEFINITIONS "_GLIBCXX_USE_CXX11_ABI=1"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
endif()
