# Libraries of Debian 12 (packaging/dependencies lists the packages).
find_package(Threads REQUIRED)
find_package(boost_headers 1.81.0 EXACT CONFIG REQUIRED)
find_package(boost_json 1.81.0 EXACT CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBMD REQUIRED IMPORTED_TARGET libmd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(BROTLIENC REQUIRED IMPORTED_TARGET libbrotlienc)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
if(MPSUP_TESTS)
  pkg_check_modules(BROTLIDEC REQUIRED IMPORTED_TARGET libbrotlidec)
endif()

# libperl, with the flags that this perl was built with (perldoc ExtUtils::Embed).
find_program(MPSUP_PERL perl REQUIRED)
execute_process(COMMAND ${MPSUP_PERL} -MExtUtils::Embed -e ccopts
  OUTPUT_VARIABLE MPSUP_PERL_CCOPTS COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${MPSUP_PERL} -MExtUtils::Embed -e ldopts
  OUTPUT_VARIABLE MPSUP_PERL_LDOPTS COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${MPSUP_PERL} -MConfig -e [[print $Config{version}]]
  OUTPUT_VARIABLE MPSUP_PERL_VERSION COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${MPSUP_PERL} -MConfig -e [[print $Config{libperl}]]
  OUTPUT_VARIABLE MPSUP_LIBPERL COMMAND_ERROR_IS_FATAL ANY) # "libperl.so.5.36": what is loaded at run time
separate_arguments(MPSUP_PERL_CCOPTS UNIX_COMMAND "${MPSUP_PERL_CCOPTS}")
separate_arguments(MPSUP_PERL_LDOPTS UNIX_COMMAND "${MPSUP_PERL_LDOPTS}")
# Its include folders are system folders, so that our warnings do not judge perl.h; its optimisation level is not ours.
list(TRANSFORM MPSUP_PERL_CCOPTS REPLACE "^-I" "-isystem")
list(FILTER MPSUP_PERL_CCOPTS EXCLUDE REGEX "^(-O.|-g|-fstack-protector.*|-D_FORTIFY_SOURCE.*|-W.*)$")
list(FILTER MPSUP_PERL_LDOPTS EXCLUDE REGEX "^-fstack-protector.*$")
# To compile against perl.h is one thing, to link libperl another: an XS module finds its symbols in the perl that loads it.
add_library(mpsup_perl_headers INTERFACE)
add_library(mpsup::perl_headers ALIAS mpsup_perl_headers)
target_compile_options(mpsup_perl_headers INTERFACE ${MPSUP_PERL_CCOPTS})
add_library(mpsup_libperl INTERFACE)
add_library(mpsup::libperl ALIAS mpsup_libperl)
target_link_libraries(mpsup_libperl INTERFACE mpsup_perl_headers ${MPSUP_PERL_LDOPTS})

# Asio and Beast compiled once (base/boost_impl.cpp), their headers then carry declarations only.
add_library(mpsup_boost STATIC ${CMAKE_SOURCE_DIR}/base/boost_impl.cpp)
add_library(mpsup::boost ALIAS mpsup_boost)
# Frames of coroutines are kept for the next ones: two, as Asio has it, are too few for calls that nest.
target_compile_definitions(mpsup_boost PUBLIC BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_PROCESS_USE_STD_FS)
target_compile_features(mpsup_boost PUBLIC cxx_std_23)
target_link_libraries(mpsup_boost PUBLIC Boost::headers Threads::Threads)
if(MPSUP_SANITIZE MATCHES "thread")
  target_compile_options(mpsup_boost PRIVATE -fsanitize=thread -Wno-tsan)
endif()
