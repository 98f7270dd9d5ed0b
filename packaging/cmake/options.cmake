# Compiler options of all our own targets: warnings, hardening (release), sanitizers (asan, tsan).
set(MPSUP_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")

add_library(mpsup_options INTERFACE)
add_library(mpsup::options ALIAS mpsup_options)
target_include_directories(mpsup_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(mpsup_options INTERFACE MPSUP_VERSION="${PROJECT_VERSION}")
target_compile_options(mpsup_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  -Wold-style-cast -Wcast-align -Woverloaded-virtual -Wimplicit-fallthrough -Werror=switch -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of values that std::expected<std::optional<…>> leaves out on purpose.
  target_compile_options(mpsup_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(MPSUP_WERROR)
  target_compile_options(mpsup_options INTERFACE -Werror)
endif()

# What tests say is not optimised: that takes half of their compile time.
set(quick $<BOOL:$<TARGET_PROPERTY:MPSUP_COMPILES_QUICKLY>>)

if(MPSUP_SANITIZE)
  # null, alignment and vptr checks double the compile time of coroutine sources and find little beyond ASan.
  set(MPSUP_SANITIZE_FLAGS -fsanitize=${MPSUP_SANITIZE} -fno-omit-frame-pointer)
  if(MPSUP_SANITIZE MATCHES "undefined")
    list(APPEND MPSUP_SANITIZE_FLAGS -fno-sanitize=null,alignment,vptr -fno-sanitize-recover=all)
  endif()
  target_compile_options(mpsup_options INTERFACE ${MPSUP_SANITIZE_FLAGS} $<IF:${quick},-O0,-O1> -g1 -Wno-tsan -Wno-mismatched-new-delete
    -Wno-restrict)
  target_link_options(mpsup_options INTERFACE ${MPSUP_SANITIZE_FLAGS})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")
  set(CMAKE_C_FLAGS_RELEASE "-O2")
  target_compile_definitions(mpsup_options INTERFACE _GLIBCXX_ASSERTIONS)
  # glibc's checks need optimisation.
  target_compile_options(mpsup_options INTERFACE -U_FORTIFY_SOURCE $<IF:${quick},-O0,-D_FORTIFY_SOURCE=3>
    -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_link_options(mpsup_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
  include(CheckPIESupported)
  check_pie_supported()
endif()
target_link_options(mpsup_options INTERFACE -Wl,--build-id=sha1)
