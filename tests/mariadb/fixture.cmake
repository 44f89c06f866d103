# The suites of the MySQL store run against one server, started before the first and removed after the last of them.
set(mariadb_control ${CMAKE_CURRENT_SOURCE_DIR}/mariadb/server.py)
set(mariadb_directory ${CMAKE_BINARY_DIR}/test-mariadb)
add_test(NAME mariadb.start COMMAND python3 ${mariadb_control} start ${mariadb_directory})
add_test(NAME mariadb.remove COMMAND python3 ${mariadb_control} remove ${mariadb_directory})
set_tests_properties(mariadb.start PROPERTIES FIXTURES_SETUP mariadb TIMEOUT 300)
set_tests_properties(mariadb.remove PROPERTIES FIXTURES_CLEANUP mariadb TIMEOUT 300)
get_property(all_tests DIRECTORY PROPERTY TESTS)
foreach(suite IN LISTS all_tests)
  if(suite MATCHES "^storage\\.mysql_")
    set_tests_properties(${suite} PROPERTIES FIXTURES_REQUIRED mariadb
                                             ENVIRONMENT "BECKON_TEST_MARIADB=${mariadb_directory}")
  endif()
endforeach()
