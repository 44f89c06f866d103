#define CAF_SUITE storage.error
#include "storage/error.hpp"

#include <caf/sec.hpp>
#include <caf/test/unit_test.hpp>

using namespace beckon::storage;

CAF_TEST(an error keeps its code and text) {
  auto e = make_error(errc::disk_full, "no room in the data directory");
  CAF_CHECK(code_of(e) == errc::disk_full);
  CAF_CHECK_EQUAL(describe(e), "no room in the data directory");
}

CAF_TEST(errors of other categories are distinguished) {
  CAF_CHECK(code_of(caf::error{}) == errc{});
  CAF_CHECK_EQUAL(describe(caf::error{}), "no error");
  auto other = caf::make_error(caf::sec::request_timeout);
  CAF_CHECK(code_of(other) == errc{});
  CAF_CHECK(!describe(other).empty());
}

CAF_TEST(each code has a name of its own) {
  CAF_CHECK_EQUAL(to_string(errc::unavailable), "unavailable");
  CAF_CHECK_EQUAL(to_string(errc::bad_options), "bad_options");
}
