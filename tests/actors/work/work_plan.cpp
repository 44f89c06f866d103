#define CAF_SUITE actors.work_plan

#include "actors/work/work_plan.hpp"

#include "actors/node/configured_options.hpp"
#include "actors/node/open_store.hpp"
#include "actors/work/job_class.hpp"
#include "config/configuration.hpp"

#include <caf/test/unit_test.hpp>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::actors;

namespace {

struct fixture {
  node_context node;

  fixture() {
    node.options = options_from(config::configuration{});
    node.metrics = std::make_shared<node_metrics>(std::make_shared<prometheus::Registry>());
  }

  static std::string words(const work_plan& plan) {
    std::string all;
    for (const auto& lane : plan.lanes) {
      for (auto c : lane.serves)
        all += "cemux"[static_cast<size_t>(c)];
      all += ' ';
    }
    return all;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(work_plan_tests, fixture)

CAF_TEST(a store with one writer has one lane for all classes) {
  CAF_CHECK_EQUAL(words(store_plan(node)), "cem ");
}

CAF_TEST(claims and events and maintenance have lanes of their own where the store can do several things) {
  node.options.writers = 2;
  node.options.event_lanes = 3;
  CAF_CHECK_EQUAL(words(store_plan(node)), "c c e e e m ");
}

CAF_TEST(exports never share a lane with users) {
  CAF_CHECK_EQUAL(words(read_plan(node)), "u u x ");
  node.options.export_lanes = 2;
  CAF_CHECK_EQUAL(words(read_plan(node)), "u u x x ");
}

CAF_TEST(the outbox has one lane) {
  CAF_CHECK_EQUAL(words(outbox_plan(node)), "e ");
}

CAF_TEST(each class that a lane serves has its rules and metrics) {
  node.options.event_lanes = 2;
  for (const auto& plan : {store_plan(node), outbox_plan(node), read_plan(node)})
    for (const auto& lane : plan.lanes)
      for (auto c : lane.serves) {
        auto rules = std::count_if(plan.classes.begin(), plan.classes.end(),
                                   [c](const class_plan& k) { return k.which == c; });
        CAF_CHECK_EQUAL(rules, 1);
        CAF_CHECK(plan.metrics->of(c).queue_jobs != nullptr);
      }
}

CAF_TEST(an erasure is no claim and a page of an export no read of a user) {
  CAF_CHECK(class_of(storage::write_job{storage::user_erase{}}) == work_class::maintenance);
  CAF_CHECK(class_of(storage::write_job{storage::claim_write{}}) == work_class::claims);
  CAF_CHECK(class_of(read_job{load_events_job{}}) == work_class::exports);
  CAF_CHECK(class_of(read_job{load_users_job{}}) == work_class::users);
}

CAF_TEST_FIXTURE_SCOPE_END()
