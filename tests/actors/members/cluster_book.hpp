#pragma once

#include "actors/context/messages.hpp"
#include "storage/cluster_store.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace beckon::actors::test {

/// The dice of one run: the same seed gives the same run.
class sim_dice {
 public:
  explicit sim_dice(uint64_t seed) : random_(seed) {}
  uint64_t below(uint64_t n) { return n == 0 ? 0 : random_() % n; }
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(below(static_cast<uint64_t>(most - least) + 1));
  }
  bool percent(uint64_t p) { return below(100) < p; }

 private:
  std::mt19937_64 random_;
};

/// The clocks of a run. All nodes have one steady clock; the database's is another.
struct sim_time {
  static inline int64_t now_ms = 0;
  static int64_t steady() { return now_ms; }
  static int64_t database() { return now_ms + 1'800'000'000'000; }
};

/// What a client asked, and what came of it.
struct sim_ask {
  enum class kind : uint8_t { decide, get, patch, events };
  kind what = kind::decide;
  uint64_t process = 0; // that it was sent to
  std::string user;
  std::string request_id;
  std::string key;                      // of a patch
  std::set<std::string> known_patches;  // of the user, confirmed before a get was sent
  std::vector<storage::event_row> rows; // events
  int64_t sent_ms = 0;
  size_t answers = 0;
  bool served = false; // the last answer was more than an excuse
};

/// How much happened.
struct sim_totals {
  uint64_t decisions = 0;     // that clients got
  uint64_t claims = 0;        // committed
  uint64_t shown = 0;         // popups that clients got
  uint64_t fenced_claims = 0; // refused because of their fences
  uint64_t fenced = 0;        // so were other writes
  uint64_t conflicts = 0;     // claims refused because the state had moved on
  uint64_t changes = 0;       // of the owner of a shard

  sim_totals& operator+=(const sim_totals& x);
};
std::string to_string(const sim_totals& t);

/// Watches everything that is stored and answered in one run, and notes the first thing that must not be.
class sim_book {
 public:
  static constexpr int64_t gap_ms = 5000; // between two popups of a user, as the settings say

  explicit sim_book(bool is_loud) : loud_(is_loud) {}

  /// A line of the run's story: printed when the run is loud, and part of the fingerprint.
  void note(const std::string& line);
  void violate(const std::string& what);
  const std::string& fault() const { return fault_; }
  uint64_t fingerprint() const { return fingerprint_; }
  bool is_loud() const { return loud_; }

  void saw_tables(const std::vector<storage::cluster_shard>& shards);
  void saw_write(const storage::write_job& job, const storage::write_outcome& outcome,
                 const std::vector<storage::cluster_shard>& before);

  void answered(sim_ask& ask, const decide_answer& answer);
  void answered(sim_ask& ask, const user_answer& answer);
  void answered(sim_ask& ask, const write_result& result);
  const std::set<std::string>& patches(const std::string& user) { return patches_[user]; }

  /// At the end, when nothing is under way any more. `waiting`: ids of events that a node which is away still
  /// has.
  void check_stored(storage::session& store, const std::set<std::string>& waiting);

  const sim_totals& totals() const { return totals_; }

 private:
  struct showing {
    std::string decision;
    int64_t at_ms = 0;
  };
  void saw_fence(const std::string& what, uint16_t shard, const storage::fence& held,
                 const std::vector<storage::cluster_shard>& before);
  void saw_claim(const storage::claim_write& claim);
  void saw_showing(const sim_ask& ask, const showing& s);
  void check_counters(storage::session& store, const std::vector<storage::event_row>& stored);
  void count_answer(sim_ask& ask);

  bool loud_;
  std::string fault_;
  uint64_t fingerprint_ = 1469598103934665603ULL;
  std::vector<storage::cluster_shard> tables_;
  sim_totals totals_;
  std::map<std::string, int64_t> last_claim_ms_;    // by user
  std::map<std::string, std::set<int64_t>> claims_; // committed, by user: when they were decided
  std::map<std::pair<std::string, std::string>, std::string> bodies_; // committed, by user and request id
  std::map<std::string, std::map<std::string, int64_t>> showings_;    // by user: decision, when
  std::map<std::pair<std::string, std::string>, std::string> shown_under_; // user and request id: decision
  std::map<std::string, uint64_t> shows_;                                  // committed, by popup
  std::map<std::string, std::set<std::string>> patches_;                   // confirmed, by user
  std::set<std::string> events_tried_;
  std::set<std::string> events_taken_;
};

} // namespace beckon::actors::test
