# What a developer's build adds: warnings, sanitizers and ccache.

set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(LOCKGATE_CCACHE ccache)
mark_as_advanced(LOCKGATE_CCACHE)
if(LOCKGATE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LOCKGATE_CCACHE}")
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
endif()

option(LOCKGATE_TEST_COMPILED "Developer: the tests link lockgate::compiled" OFF)
set(LOCKGATE_SANITIZE "" CACHE STRING "Developer: sanitizers, as in -fsanitize=<list>")
if(LOCKGATE_SANITIZE)
  # Any finding ends the program, so that a test that only printed one cannot pass.
  add_compile_options(-fsanitize=${LOCKGATE_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LOCKGATE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # instrumented, Asio's use_future looks as if
  endif()
  if(LOCKGATE_SANITIZE STREQUAL "thread")
    add_compile_options(-O1)  # the others run fast enough without, and compile 2.6 times as fast
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # Instrumented, Asio's awaitables seem to free a frame with another function than allocated it.
      add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-mismatched-new-delete>)
      add_compile_options(-Wno-tsan)  # Asio uses fences, which g++'s ThreadSanitizer does not model
    endif()
  endif()
endif()

if(TARGET lockgate_capi)  # defined above, as consumers get it
  get_directory_property(options COMPILE_OPTIONS)
  target_compile_options(lockgate_capi PRIVATE ${options})
endif()
