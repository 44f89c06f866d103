#define CAF_SUITE apps.hello
#include "apps/examples/hello/hello_handler.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>
#include <string>

using namespace beckon;

namespace {

net::response greeting(const std::string& name, const actors::catalog_view_ptr& catalog) {
  net::request request;
  request.params.emplace_back("name", name);
  return examples::greet(request, catalog);
}

actors::catalog_view_ptr catalog_of(size_t popups) {
  auto view = std::make_shared<actors::catalog_view>();
  view->rows.popups.resize(popups);
  return view;
}

} // namespace

CAF_TEST(a greeting names the caller and counts the popups) {
  auto answer = greeting("\"Ada\"", catalog_of(3));
  CAF_CHECK_EQUAL(answer.status, 200);
  CAF_CHECK_EQUAL(answer.body, R"({"hello":"\"Ada\"","popups":3})");
}

CAF_TEST(a name that is too long and a catalogue that is missing are refused) {
  CAF_CHECK_EQUAL(greeting(std::string(40, 'x'), catalog_of(0)).status, 200);
  CAF_CHECK_EQUAL(greeting(std::string(41, 'x'), catalog_of(0)).status, 422);
  CAF_CHECK_EQUAL(greeting("Ada", nullptr).status, 503);
}
