#define CAF_SUITE cluster.shard_machine

#include "cluster/shard_machine.hpp"

#include <caf/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::cluster;

namespace {

using effect = shard_machine::effect;
using admission = shard_machine::admission;

constexpr storage::incarnation_id self = 7;
constexpr storage::incarnation_id other = 8;

shard_order nobody(uint64_t epoch = 0) {
  return {3, shard_phase::nobody, 0, epoch};
}
shard_order serving(uint64_t epoch) {
  return {3, shard_phase::serving, self, epoch};
}
shard_order handing_over(uint64_t epoch) {
  return {3, shard_phase::handing_over, self, epoch};
}
shard_order elsewhere(uint64_t epoch, storage::incarnation_id owner = other) {
  return {3, shard_phase::elsewhere, owner, epoch};
}

std::string to_text(effect e) {
  static const char* names[] = {"none", "serve", "start", "hand_over", "lose"};
  return names[static_cast<size_t>(e)];
}

std::string to_text(admission a) {
  static const char* names[] = {"serve", "hold", "forward", "moved"};
  return names[static_cast<size_t>(a)];
}

std::string effect_of(const shard_order& before, const shard_order& order) {
  shard_machine m;
  m.apply(before);
  return to_text(m.apply(order));
}

bool is_here(const shard_order& o) {
  return o.phase == shard_phase::serving || o.phase == shard_phase::handing_over;
}

} // namespace

CAF_TEST(every order does what it must in every phase) {
  struct row {
    shard_order before;
    shard_order order;
    const char* effect;
  };
  const std::vector<row> table = {
      {nobody(), nobody(), "none"},
      {nobody(), nobody(4), "lose"},
      {nobody(4), serving(5), "start"},
      {nobody(4), handing_over(5), "hand_over"},
      {nobody(4), elsewhere(5), "lose"},
      {serving(5), nobody(5), "lose"},
      {serving(5), serving(5), "none"},
      {serving(5), serving(6), "start"}, // somebody else may have had it in between
      {serving(5), handing_over(5), "hand_over"},
      {serving(5), handing_over(6), "hand_over"},
      {serving(5), elsewhere(6), "lose"},
      {handing_over(5), nobody(5), "lose"},
      {handing_over(5), serving(5), "serve"}, // it stays, with all that is in memory
      {handing_over(5), serving(6), "start"},
      {handing_over(5), handing_over(5), "none"},
      {handing_over(5), handing_over(6), "hand_over"},
      {handing_over(5), elsewhere(6), "lose"},
      {elsewhere(5), nobody(5), "lose"},
      {elsewhere(5), serving(6), "start"},
      {elsewhere(5), serving(5), "start"},
      {elsewhere(5), handing_over(6), "hand_over"},
      {elsewhere(5), elsewhere(5), "none"},
      {elsewhere(5), elsewhere(6, 9), "lose"}, // held asks go to the new owner
  };
  for (const auto& r : table)
    CAF_CHECK_EQUAL(effect_of(r.before, r.order), r.effect);
}

CAF_TEST(a shard of a node without a cluster serves everybody) {
  shard_machine m;
  CAF_CHECK_EQUAL(to_text(m.admit(false, 0)), "serve");
  CAF_CHECK(m.order().owner == 0 && m.order().epoch == 0);
}

CAF_TEST(the fate of an ask depends on the phase and the knowledge of its sender) {
  struct row {
    shard_order now;
    bool forwarded;
    uint64_t epoch_known;
    const char* admission;
  };
  const std::vector<row> table = {
      {nobody(5), false, 0, "hold"},
      {nobody(5), true, 5, "hold"},
      {serving(5), false, 0, "serve"},
      {serving(5), true, 4, "serve"},
      {serving(5), true, 5, "serve"},
      {serving(5), true, 6, "hold"}, // the order about epoch 6 is on its way
      {serving(5), false, 6, "hold"},
      {handing_over(5), false, 0, "hold"},
      {handing_over(5), true, 5, "hold"},
      {elsewhere(5), false, 0, "forward"},
      {elsewhere(5), false, 5, "forward"},
      {elsewhere(5), true, 4, "moved"},
      {elsewhere(5), true, 5, "moved"},
      {elsewhere(5), true, 6, "hold"},
  };
  for (const auto& r : table) {
    shard_machine m;
    m.apply(r.now);
    CAF_CHECK_EQUAL(to_text(m.admit(r.forwarded, r.epoch_known)), r.admission);
  }
}

CAF_TEST(whatever the order of orders memory never outlives an ownership) {
  std::mt19937_64 random{42};
  for (int run = 0; run < 500; ++run) {
    shard_machine m;
    m.apply(nobody());
    uint64_t filled_in = 0; // the epoch under which memory was filled; 0: it is empty
    for (int i = 0; i < 40; ++i) {
      auto epoch = 1 + random() % 4;
      const shard_order orders[] = {nobody(epoch), serving(epoch), handing_over(epoch), elsewhere(epoch)};
      auto order = orders[random() % 4];
      auto before = m.order();
      auto e = m.apply(order);
      CAF_REQUIRE(m.order() == order);
      if (e == effect::start || e == effect::lose)
        filled_in = 0;
      // A hand-over begins only with what it had, or with nothing.
      if (e == effect::hand_over && before.epoch != order.epoch)
        filled_in = 0;
      CAF_REQUIRE(is_here(order) || filled_in == 0);
      CAF_REQUIRE(filled_in == 0 || filled_in == order.epoch);
      if (m.admit(false, 0) == admission::serve)
        filled_in = order.epoch;
    }
  }
}
