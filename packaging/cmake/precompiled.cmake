# With MPSUP_PRECOMPILED, headers that are dear and that many sources include are read once, not by each of them: tests/run
# builds so. A source that lacks an include compiles then too; a build without (the default, tests/run --full) finds it.
option(MPSUP_PRECOMPILED "precompile headers that many sources include" OFF)

# mpsup_precompile(NAME LINKS... HEADERS... FOR...): what the targets FOR read, made with the options that LINKS bring.
function(mpsup_precompile name)
  cmake_parse_arguments(SHARED "" "" "LINKS;HEADERS;FOR" ${ARGN})
  add_library(mpsup_precompiled_${name} OBJECT ${CMAKE_SOURCE_DIR}/packaging/cmake/precompiled.cpp)
  target_link_libraries(mpsup_precompiled_${name} PRIVATE mpsup::options ${SHARED_LINKS})
  target_precompile_headers(mpsup_precompiled_${name} PRIVATE ${SHARED_HEADERS})
  foreach(target ${SHARED_FOR})
    target_precompile_headers(${target} REUSE_FROM mpsup_precompiled_${name})
  endforeach()
endfunction()

# Elsewhere it does not pay: to load them takes a third of a second too.
if(MPSUP_PRECOMPILED)
  set(asio awaitable any_io_executor co_spawn detached io_context ip/tcp post redirect_error steady_timer this_coro use_awaitable)
  list(TRANSFORM asio REPLACE "(.+)" "<boost/asio/\\1.hpp>")
  mpsup_precompile(supervisor LINKS mpsup::boost Boost::json HEADERS <algorithm> <chrono> <functional> <map> <optional> <string> <vector>
    <boost/json.hpp> ${asio} FOR mpsup_daemon mpsup_cli)
endif()
