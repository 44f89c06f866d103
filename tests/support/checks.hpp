#pragma once

#define CAF_TEST_NO_MAIN // tests/main.cpp has it
#include <caf/all.hpp>
#include <caf/test/dsl.hpp>
#include <caf/test/unit_test.hpp>

/// What every file of the unit tests begins with: the compiler includes it, precompiled, before the first
/// line (see beckon_test in cmake/BeckonTargets.cmake), so that no suite can miss what it mends.
///
/// CAF's CAF_CHECK_EQUAL and its kin bind `auto&&` to what they compare, in a statement of its own. A part of
/// a temporary, as in `CAF_CHECK_EQUAL(load()->name, "x")`, is gone when the next statement looks at it. Here
/// the comparison is one call, and temporaries live until it returns.
namespace beckon_checks {

template <class Comparison, class X, class Y>
bool check(const char* file, size_t line, const char* text, const X& x, const Y& y) {
  using caf::test::engine;
  Comparison compare;
  auto holds = caf::test::detail::check(engine::current_test(), file, line, text, false, compare(x, y), x, y);
  engine::last_check_file(file);
  engine::last_check_line(line);
  return holds;
}

/// Ends the test when it does not hold.
template <class Comparison, class X, class Y>
void require(const char* file, size_t line, const char* text, const X& x, const Y& y) {
  if (!check<Comparison>(file, line, text, x, y))
    caf::test::detail::requirement_failed(text);
}

} // namespace beckon_checks

#undef CAF_CHECK_FUNC
#define CAF_CHECK_FUNC(func, x_expr, y_expr)                                                                 \
  static_cast<void>(                                                                                         \
      ::beckon_checks::check<func>(__FILE__, __LINE__, CAF_FUNC_EXPR(func, x_expr, y_expr), x_expr, y_expr))

#undef CAF_REQUIRE_FUNC
#define CAF_REQUIRE_FUNC(func, x_expr, y_expr)                                                               \
  ::beckon_checks::require<func>(__FILE__, __LINE__, CAF_FUNC_EXPR(func, x_expr, y_expr), x_expr, y_expr)

// Each file names its own.
#undef CAF_SUITE
