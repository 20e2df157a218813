# temper_add_plugin(ID KIND kind SOURCES a.cpp ... [LINK lib ...] [CHECK_VALUES NAME=VALUE ...])
# One plugin library build/<preset>/plugins/<kind>_<id>.so, with the flags, the ABI tag and the conformance test it needs.
# CHECK_VALUES gives required parameters to the conformance test, e.g. path=${CMAKE_CURRENT_SOURCE_DIR}/sample.jsonl.
# Used inside temper's tree and, through find_package(temper), outside it.
function(temper_add_plugin ID)
  cmake_parse_arguments(ARG "" "KIND" "SOURCES;LINK;CHECK_VALUES" ${ARGN})
  set(_kinds architecture tokenizer dataset filter objective stage evaluator)
  if(NOT ARG_KIND IN_LIST _kinds)
    message(FATAL_ERROR "temper_add_plugin(${ID}): KIND is '${ARG_KIND}', must be one of ${_kinds}")
  endif()
  if(NOT ID MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "temper_add_plugin: '${ID}' is no valid id; use [a-z][a-z0-9_]*")
  endif()
  set(_target "plugin_${ARG_KIND}_${ID}")
  add_library(${_target} MODULE ${ARG_SOURCES})
  target_link_libraries(${_target} PRIVATE temper::sdk ${ARG_LINK})
  target_compile_features(${_target} PRIVATE cxx_std_20)
  set_target_properties(${_target} PROPERTIES
    PREFIX "" OUTPUT_NAME "${ARG_KIND}_${ID}" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
  if(TARGET temper_torch_pch)
    # Inside temper's tree: one precompiled header for all, warnings are set for the whole tree.
    target_precompile_headers(${_target} REUSE_FROM temper_torch_pch)
    target_compile_definitions(${_target} PRIVATE TEMPER_PLUGIN_SOURCE="${TEMPER_SOURCE_VERSION}")
    # The program without its plugins is of no use, and a plugin of an older SDK is refused: they are built together.
    if(TARGET temper_program)
      add_dependencies(temper_program ${_target})
    endif()
    install(TARGETS ${_target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/temper/plugins")
  else()
    target_compile_options(${_target} PRIVATE -Wall -Wextra -Wshadow)
  endif()
  if(BUILD_TESTING OR TEMPER_TESTS)
    set(_values)
    foreach(_value IN LISTS ARG_CHECK_VALUES)
      list(APPEND _values --set "${_value}")
    endforeach()
    add_test(NAME "conformance.${ARG_KIND}.${ID}"
      COMMAND temper::temper plugins check "$<TARGET_FILE:${_target}>" ${_values})
    set_tests_properties("conformance.${ARG_KIND}.${ID}" PROPERTIES LABELS "conformance")
  endif()
endfunction()
