#define CAF_SUITE actors.catalog_cache

#include "tests/actors/node_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;

namespace {

using status = catalog_answer::status;
using operation = storage::fault_plan::operation;

constexpr const char* draft = R"({"id":"p","placements":["home"],"content":{}})";

struct fixture : actors::test::node_fixture {
  catalog_answer_ptr send(catalog_ask ask) {
    return ask_and_wait<catalog_answer_ptr>(node->handles()->catalog, change_atom::value,
                                            catalog_ask_ptr{std::make_shared<catalog_ask>(std::move(ask))});
  }

  /// Another node changes the stored catalogue.
  void write_elsewhere(const std::string& id) {
    auto session = store->open_writer();
    CAF_REQUIRE(session);
    CAF_REQUIRE((*session)->write(
        {storage::popup_write{id, {}, R"({"id":")" + id + R"(","placements":["x"],"content":{}})", 0}}));
  }

  void pass(std::chrono::milliseconds time) {
    sched.advance_time(time);
    consume_messages();
  }

  catalog_view_ptr view() {
    return ask_and_wait<catalog_view_ptr>(node->handles()->catalog, view_atom::value);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(catalog_cache_tests, fixture)

CAF_TEST(a change is in the view with its revision) {
  start();
  CAF_CHECK_EQUAL(+view()->rows.version, 0u);
  CAF_CHECK(change(catalog_operation::put_popup, "p", draft)->what == status::created);
  auto second = change(catalog_operation::put_popup, "p", draft);
  CAF_CHECK(second->what == status::done);
  CAF_CHECK_EQUAL(second->revision, 2u);
  CAF_CHECK_EQUAL(+view()->compiled->find("p")->revision, 2u);
  CAF_CHECK_EQUAL(+view()->compiled->version(), 2u);
}

CAF_TEST(preconditions are kept) {
  start();
  CAF_CHECK(send({catalog_operation::put_popup, "p", draft, {}, true})->what == status::conflict);
  CAF_CHECK(change(catalog_operation::create_popup, "p", draft)->what == status::created);
  CAF_CHECK(change(catalog_operation::create_popup, "p", draft)->what == status::conflict);
  CAF_CHECK(send({catalog_operation::put_popup, "p", draft, 7, false})->what == status::conflict);
  CAF_CHECK(send({catalog_operation::put_popup, "p", draft, 1, false})->what == status::done);
  CAF_CHECK(send({catalog_operation::erase_popup, "p", {}, 1, false})->what == status::conflict);
  CAF_CHECK(send({catalog_operation::erase_popup, "p", {}, 2, false})->what == status::done);
  CAF_CHECK(send({catalog_operation::erase_popup, "p", {}, {}, false})->what == status::not_found);
  CAF_MESSAGE("a revision never comes twice, not even after an erasure");
  CAF_CHECK_EQUAL(+change(catalog_operation::create_popup, "p", draft)->revision, 3u);
}

CAF_TEST(a failed change is not live) {
  start();
  faults.fail(operation::write, 1, storage::errc::unavailable);
  CAF_CHECK(change(catalog_operation::put_popup, "p", draft)->what == status::unavailable);
  CAF_CHECK(view()->compiled->find("p") == nullptr);
}

CAF_TEST(a change by another node is found by the next change) {
  start();
  write_elsewhere("other");
  CAF_CHECK(change(catalog_operation::put_popup, "p", draft)->what == status::created);
  CAF_CHECK(view()->compiled->find("other") != nullptr);
  CAF_CHECK_EQUAL(+view()->rows.version, 2u);
}

CAF_TEST(a stored popup that cannot be read is left out and the rest lives) {
  auto session = store->open_writer();
  CAF_REQUIRE(session);
  CAF_REQUIRE((*session)->write({storage::popup_write{"bad", {}, R"({"id":"bad","placements":7})", 0},
                                 storage::popup_write{"p", {}, draft, 0}}));
  start();
  CAF_CHECK(view()->compiled->find("p") != nullptr);
  CAF_CHECK(view()->compiled->find("bad") == nullptr);
}

CAF_TEST(the number of popups is bounded) {
  node_options small = options_from(config::configuration{});
  small.popups_max = 1;
  start(small);
  CAF_CHECK(change(catalog_operation::put_popup, "p", draft)->what == status::created);
  CAF_CHECK(change(catalog_operation::put_popup, "q", draft)->what == status::too_many);
  CAF_CHECK(change(catalog_operation::put_popup, "p", draft)->what == status::done);
}

CAF_TEST(the catalogue is loaded when the store comes back) {
  faults.fail_all(storage::errc::unavailable);
  start();
  CAF_CHECK(!node->health.catalog_loaded);
  faults.heal();
  sched.advance_time(std::chrono::seconds{2});
  consume_messages();
  CAF_CHECK(node->health.catalog_loaded);
}

CAF_TEST(a change by another node is found within the polling interval) {
  node_options options = options_from(config::configuration{});
  options.catalog_poll_ms = 500;
  start(options);
  write_elsewhere("other");
  pass(std::chrono::milliseconds{400});
  CAF_CHECK(view()->compiled->find("other") == nullptr);
  pass(std::chrono::milliseconds{200});
  CAF_CHECK(view()->compiled->find("other") != nullptr);
  CAF_CHECK_EQUAL(+node->catalog()->version(), 1u);
}

CAF_TEST(a look that finds nothing new reads the version alone) {
  node_options options = options_from(config::configuration{});
  options.catalog_poll_ms = 500;
  start(options);
  put_popup("p");
  auto before = view();
  auto reads = faults.calls(operation::read);
  pass(std::chrono::milliseconds{500});
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads + 1);
  CAF_CHECK(view() == before);
  CAF_MESSAGE("and one that fails leaves what there is, and is followed by others");
  faults.fail(operation::read, 1, storage::errc::unavailable);
  write_elsewhere("other");
  pass(std::chrono::milliseconds{500});
  CAF_CHECK(view() == before);
  pass(std::chrono::milliseconds{500});
  CAF_CHECK(view()->compiled->find("other") != nullptr);
}

CAF_TEST(a change and a look under way at once both come to their end) {
  node_options options = options_from(config::configuration{});
  options.catalog_poll_ms = 500;
  start(options);
  write_elsewhere("other");
  auto ask = std::make_shared<catalog_ask>();
  ask->operation = catalog_operation::put_popup;
  ask->id = "p";
  ask->document = draft;
  self->send(node->handles()->catalog, change_atom::value, catalog_ask_ptr{ask});
  pass(std::chrono::milliseconds{500});
  catalog_answer_ptr got;
  self->receive([&](const catalog_answer_ptr& a) { got = a; }, caf::after(std::chrono::seconds{0}) >> [] {});
  CAF_REQUIRE(got != nullptr);
  CAF_CHECK(got->what == status::created);
  CAF_CHECK_EQUAL(+got->view->rows.version, 2u);
  CAF_CHECK(got->view->compiled->find("other") != nullptr);
}

CAF_TEST(without polling the store is not read) {
  start();
  write_elsewhere("other");
  auto reads = faults.calls(operation::read);
  pass(std::chrono::seconds{10});
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads);
}

CAF_TEST_FIXTURE_SCOPE_END()
