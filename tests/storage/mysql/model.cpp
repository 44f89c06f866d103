#define CAF_SUITE storage.mysql_model
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

// Groups of many jobs become few statements; whatever the sizes, they must do what one job after the other
// does. The store that lives in memory takes one job after the other.

using namespace beckon::storage;
using namespace beckon::storage::test;
using event_type = beckon::decision::event_type;

namespace {

std::string text_of(const write_outcome& o) {
  std::ostringstream out;
  out << static_cast<int>(o.status) << " revision " << o.revision << " catalogue " << o.catalog_version
      << " duplicates " << o.duplicates << " affected " << o.affected << " existed " << o.existed << " more "
      << o.more << " unreadable " << o.unreadable_states << o.unreadable_user;
  for (const auto& c : o.changed)
    out << " " << c.user << "@" << c.version << "#" << std::hash<std::string>{}(c.state);
  return out.str();
}

/// Jobs at random, about few enough users, popups and ids that they meet one another all the time.
class job_maker {
 public:
  explicit job_maker(uint32_t seed) : random_(seed) {}

  int upto(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  std::string user() { return "user-" + std::to_string(upto(users)); }

  write_job job(session& knows) {
    auto dice = upto(100);
    if (dice < 60)
      return next_claim(knows);
    if (dice < 85)
      return batch();
    if (dice < 90)
      return profile_write{1, user(), "{\"n\":" + std::to_string(upto(1000)) + "}", noon_ms};
    if (dice < 93)
      return user_erase{user(), 0, {}, noon_ms, static_cast<uint32_t>(1 + upto(30))};
    if (dice < 95)
      return erase_piece{user(), 0, {}, static_cast<uint32_t>(1 + upto(10))};
    if (dice < 96)
      return popup_write{popup(), revision(), "{\"n\":" + std::to_string(upto(1000)) + "}",
                         noon_ms + upto(50)};
    if (dice < 97)
      return popup_erase{popup(), revision(), noon_ms};
    if (dice < 98)
      return settings_write{"{}", revision()};
    return answers_prune{noon_ms + upto(200), 30};
  }

  static constexpr int users = 400;
  static constexpr int popups = 4;

 private:
  std::string popup() { return "popup-" + std::to_string(upto(popups)); }

  std::optional<uint64_t> revision() {
    if (upto(2) == 0)
      return std::nullopt;
    return static_cast<uint64_t>(upto(4));
  }

  /// Mostly of the version that is stored.
  claim_write next_claim(session& knows) {
    auto who = user();
    auto stored = beckon::decision::decode_user_state(knows.load_users({who})->at(0).state);
    auto version = (stored ? stored->version : 0) + (upto(10) == 0 ? 1u : 0u);
    auto c = claim(who, version);
    c.shown = {{popup(), upto(2) == 0 ? "a" : ""}};
    if (upto(3) == 0)
      c.shown.push_back({popup(), "b"});
    if (upto(50) == 0)
      c.state = "no state";
    if (upto(2) == 0)
      c.answer =
          stored_answer{"r-" + std::to_string(upto(3)), noon_ms + ++last_at_, std::to_string(last_at_)};
    return c;
  }

  event_batch_write batch() {
    event_batch_write b;
    auto count = upto(4) == 0 ? 300 + upto(300) : upto(30);
    for (int i = 0; i < count; ++i) {
      auto e = event("e-" + std::to_string(upto(4000)), static_cast<event_type>(upto(5)), user());
      e.popup = upto(20) == 0 ? "" : popup();
      if (e.popup.empty())
        e.type = event_type::custom;
      e.at_ms = noon_ms + upto(100);
      b.events.push_back(e);
    }
    return b;
  }

  std::minstd_rand random_;
  int last_at_ = 0;
};

std::string stored_text(session& s) {
  std::ostringstream out;
  std::vector<std::string> users;
  for (int i = 0; i < job_maker::users; ++i)
    users.push_back("user-" + std::to_string(i));
  auto rows = s.load_users(users);
  if (!rows)
    return describe(rows.error());
  for (const auto& row : *rows)
    out << row.user << " " << std::hash<std::string>{}(row.state) << " " << row.attributes << "\n";
  for (const auto& user : users)
    for (int i = 0; i < 3; ++i)
      out << s.load_answer(user, "r-" + std::to_string(i), 0)->value_or("none") << " ";
  for (int i = 0; i < job_maker::popups; ++i)
    out << "\n" << stats_text(s, "popup-" + std::to_string(i));
  auto catalog = s.load_catalog();
  out << "\n" << catalog->version << " " << catalog->settings_revision;
  for (const auto& p : catalog->popups)
    out << "\n"
        << p.id << " " << p.revision << " " << p.document << " " << p.created_ms << " " << p.updated_ms;
  for (const auto& id : event_ids(s, {}, 100))
    out << "\n" << id;
  return out.str();
}

} // namespace

CAF_TEST(groups of any size do what one job after the other does) {
  auto seed = static_cast<uint32_t>(std::random_device{}());
  CAF_MESSAGE("seed " << seed);
  fresh_database database{server_address{shared_server_directory()}.options()};
  auto store = open_or_fail(database.options);
  auto writer = std::move(*store->open_writer());
  auto model = std::move(*make_memory_store()->open_writer());
  job_maker make{seed};
  for (int group = 0; group < 60; ++group) {
    std::vector<write_job> jobs;
    for (int n = make.upto(4) == 0 ? 200 + make.upto(200) : make.upto(20); n > 0; --n)
      jobs.push_back(make.job(*model));
    auto expected = model->write(jobs);
    auto outcomes = writer->write(jobs);
    if (!outcomes)
      CAF_FAIL("seed " << seed << ", group " << group << ": " << describe(outcomes.error()));
    CAF_REQUIRE_EQUAL(outcomes->size(), expected->size());
    for (size_t i = 0; i < jobs.size(); ++i)
      if (text_of(outcomes->at(i)) != text_of(expected->at(i)))
        CAF_FAIL("seed " << seed << ", group " << group << ", job " << i << ": " << text_of(outcomes->at(i))
                         << " instead of " << text_of(expected->at(i)));
  }
  if (stored_text(*writer) != stored_text(*model))
    CAF_FAIL("seed " << seed << ": the stores differ:\n"
                     << stored_text(*writer) << "\n--\n"
                     << stored_text(*model));
}
