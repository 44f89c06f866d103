# How this project declares its own targets: warnings are errors in our code and only there.
set(BECKON_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wcast-qual -Wimplicit-fallthrough -Werror)

if(BECKON_SANITIZE)
  # GCC 12 reports false maybe-uninitialized reads in instrumented std::function and std::variant code.
  list(APPEND BECKON_WARNINGS -Wno-maybe-uninitialized)
endif()

# beckon_library(NAME [LINK lib...] [PRECOMPILE header...]): the library beckon_NAME from every .cpp of the calling folder;
# headers that nearly every file there includes, and that cost the most, may be precompiled.
function(beckon_library name)
  cmake_parse_arguments(arg "" "" "LINK;PRECOMPILE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(beckon_${name} STATIC ${sources})
  target_include_directories(beckon_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(beckon_${name} PRIVATE ${BECKON_WARNINGS})
  target_link_libraries(beckon_${name} PUBLIC ${arg_LINK} Threads::Threads)
  if(arg_PRECOMPILE)
    target_precompile_headers(beckon_${name} PRIVATE ${arg_PRECOMPILE})
  endif()
endfunction()

# beckon_test(FOLDER [LINK lib...]): the program test_FOLDER from every .cpp of tests/FOLDER, one ctest
# entry per suite. A suite is what a file names by `#define CAF_SUITE folder.name`.
function(beckon_test folder)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources} ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  target_compile_options(test_${folder} PRIVATE ${BECKON_WARNINGS})
  target_link_libraries(test_${folder} PRIVATE ${arg_LINK} CAF::core)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} lines REGEX "^#define CAF_SUITE ")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#define CAF_SUITE +([A-Za-z0-9_.]+).*" "\\1" suite "${line}")
      list(APPEND suites ${suite})
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES suites)
  foreach(suite IN LISTS suites)
    add_test(NAME ${suite} COMMAND test_${folder} -s "^${suite}$")
    set_tests_properties(${suite} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()
