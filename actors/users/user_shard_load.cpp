#include "actors/users/user_shard.hpp"

#include <deque>
#include <limits>
#include <utility>

// Loading users, and what to do when a reload fails.
namespace beckon::actors {

namespace {

/// Maximum time to decide on the old state after a failed reload.
constexpr int64_t read_again_pause_ms = 1000;

} // namespace

// After a failed write or load the store may differ from memory. The version that guards a claim does not
// cover the profile, and a patch builds on the stored profile. While the store is down, memory is better than
// nothing, but nothing derived from it is written.
bool user_shard_state::outdated(const user_entry& e, const pending_ask& ask) const {
  auto away = !node->health.store.writable;
  if (const auto* u = std::get_if<pending_user>(&ask)) {
    if (u->loads != e.loads)
      return false; // read since it was asked
    // A node that the others have given up serves until its lease ends. It cannot write, but it may remember
    // a profile that the new owner has changed; only the store knows.
    if (node->cluster && u->ask->operation == user_operation::get)
      return true;
    return e.doubtful && (!away || u->ask->operation == user_operation::patch_profile);
  }
  return !away && node->now_ms() >= e.read_again_ms;
}

void user_shard_state::load(user_entry& e) {
  if (e.now == user_entry::phase::ready)
    e.work->kept = std::move(e.state);
  e.now = user_entry::phase::loading;
  e.state = {};
  e.work->token = ++last_token;
  under_way.emplace(last_token, *e.user);
  ask_read(self, node->handles()->readers, work_key{number}, load_users_job{*e.user}, last_token);
}

void user_shard_state::refreshed(user_entry& e) {
  e.now = user_entry::phase::ready;
  e.work->kept.reset();
  e.read_again_ms = std::numeric_limits<int64_t>::max();
  e.doubtful = false;
  ++e.loads;
}

// Deciding on the old state is safe: a claim names the version that it builds on. A profile has no version,
// so requests about the user itself get no answer. The pause keeps decisions from reloading each time.
void user_shard_state::fall_back(user_entry& e) {
  auto kept = std::exchange(e.work->kept, std::nullopt);
  // An event may have brought a newer state meanwhile.
  if (kept->version >= e.state.version)
    e.state = std::move(*kept);
  doubt(e);
  e.read_again_ms = node->now_ms() + read_again_pause_ms;
  give_up_waiting_users(e);
  drain(e);
}

void user_shard_state::doubt(user_entry& e) {
  e.now = user_entry::phase::ready;
  e.read_again_ms = 0;
  e.doubtful = true;
}

bool user_shard_state::adopt_row(user_entry& e, const storage::user_row& row, std::string& fault) {
  std::shared_ptr<decision::attributes> profile;
  if (!row.attributes.empty()) {
    json::document doc;
    json::field_errors errors;
    profile = std::make_shared<decision::attributes>();
    if (auto bad = json::parse(row.attributes, doc))
      errors.push_back({"", bad->detail});
    else
      *profile = decision::parse_attributes(doc, {}, errors);
    if (!errors.empty()) {
      fault = "the stored profile of user '" + row.user + "' cannot be read: " + errors.front().detail;
      return false;
    }
  }
  decision::user_state state;
  if (!row.state.empty()) {
    auto decoded = decision::decode_user_state(row.state);
    if (!decoded) {
      fault = "the stored state of user '" + row.user + "' cannot be read";
      return false;
    }
    state = std::move(*decoded);
  }
  // An event may have changed the state after this row was read: the newer version wins.
  if (state.version >= e.state.version)
    e.state = std::move(state);
  e.profile = std::move(profile);
  e.found = e.state.version != 0 || e.profile;
  return true;
}

void user_shard_state::give_up_waiting_users(user_entry& e) {
  std::deque<pending_ask> decides;
  for (auto& ask : std::exchange(e.work->waiting, {})) {
    if (std::holds_alternative<pending_decide>(ask)) {
      decides.push_back(std::move(ask));
      continue;
    }
    counters().waiting.set(--waiting);
    give_up(ask, ask_status::unavailable);
  }
  e.work->waiting = std::move(decides);
}

} // namespace beckon::actors
