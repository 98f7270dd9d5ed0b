# With MPSUP_PRECOMPILED, headers that are dear and that many tests include are read once, not by each of them: tests/run
# builds so. A source that lacks an include compiles then too; a build without (the default, tests/run --full) finds it. The product is
# built without: where headers of the system are precompiled, g++ 12 warns of what is in them.
option(MPSUP_PRECOMPILED "precompile headers that many sources include" OFF)

# mpsup_precompile(NAME LINKS... HEADERS...): mpsup_precompiled_NAME, for REUSE_FROM, made with the options that LINKS bring.
function(mpsup_precompile name)
  cmake_parse_arguments(SHARED "" "" "LINKS;HEADERS" ${ARGN})
  add_library(mpsup_precompiled_${name} OBJECT ${CMAKE_SOURCE_DIR}/packaging/cmake/precompiled.cpp)
  target_link_libraries(mpsup_precompiled_${name} PRIVATE mpsup::options ${SHARED_LINKS})
  target_precompile_headers(mpsup_precompiled_${name} PRIVATE ${SHARED_HEADERS})
endfunction()
