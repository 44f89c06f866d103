# How this project declares its own targets: warnings are errors in our code and only there.
set(BECKON_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wcast-qual -Wimplicit-fallthrough -Werror)

if(BECKON_SANITIZE)
  # GCC 12 reports false maybe-uninitialized reads in instrumented std::function and std::variant code.
  list(APPEND BECKON_WARNINGS -Wno-maybe-uninitialized)
endif()

# beckon_library(NAME [LINK lib...] [PRECOMPILE header...] [LIKE name]): the library beckon_NAME from every .cpp of the
# calling folder. Headers that nearly every file there includes, and that cost the most, may be precompiled; LIKE takes
# those of another library.
function(beckon_library name)
  cmake_parse_arguments(arg "" "LIKE" "LINK;PRECOMPILE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(beckon_${name} STATIC ${sources})
  target_include_directories(beckon_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(beckon_${name} PRIVATE ${BECKON_WARNINGS})
  target_link_libraries(beckon_${name} PUBLIC ${arg_LINK} Threads::Threads)
  if(arg_PRECOMPILE)
    target_precompile_headers(beckon_${name} PRIVATE ${arg_PRECOMPILE})
  elseif(arg_LIKE)
    target_precompile_headers(beckon_${name} REUSE_FROM beckon_${arg_LIKE})
  endif()
endfunction()

# beckon_test_options(TARGET): how code of the tests is compiled. Quickly, for it runs a few times and is then compiled
# again; the product that it is linked with stays as it is built for users.
function(beckon_test_options target)
  target_compile_options(${target} PRIVATE ${BECKON_WARNINGS} -O1 -pthread)
  if(NOT BECKON_SANITIZE)
    target_compile_options(${target} PRIVATE -g0) # a failed check names its line itself
  endif()
endfunction()

# beckon_test(NAME [FOLDER folder] [LINK lib...]): the program test_NAME from every .cpp below tests/FOLDER (NAME, where
# none is given), one ctest entry per suite. A suite is what a file names by `#define CAF_SUITE name.suite`.
function(beckon_test name)
  cmake_parse_arguments(arg "" "FOLDER" "LINK" ${ARGN})
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  beckon_test_options(test_${name})
  target_link_libraries(test_${name} PRIVATE beckon_test_main ${arg_LINK})
  target_precompile_headers(test_${name} REUSE_FROM beckon_test_main)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} lines REGEX "^#define CAF_SUITE ")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#define CAF_SUITE +([A-Za-z0-9_.]+).*" "\\1" suite "${line}")
      list(APPEND suites ${suite})
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES suites)
  foreach(suite IN LISTS suites)
    # Where the compiler ran: ccache may make __FILE__, by which tests find files of the tree, relative to it.
    add_test(NAME ${suite} COMMAND test_${name} -s "^${suite}$" WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
    set_tests_properties(${suite} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()
