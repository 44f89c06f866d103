#pragma once

#include "storage/counters.hpp"
#include "storage/store.hpp"
#include "tests/support/memory_cluster.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace beckon::storage {

/// The tables of the in-memory store. Not threadsafe; grows without bound.
class memory_tables {
 public:
  explicit memory_tables(std::function<int64_t()> clock_ms) : cluster(std::move(clock_ms)) {}

  memory_cluster_tables cluster;

  std::vector<write_outcome> write(const std::vector<write_job>& jobs);

  std::vector<user_row> load_users(const std::vector<std::string>& users) const;
  std::optional<std::string> load_answer(const std::string& user, const std::string& request_id,
                                         int64_t not_before_ms) const;
  std::vector<erasure_row> load_erasures(const std::string& after, uint32_t limit) const;
  catalog_rows load_catalog() const;
  uint64_t catalog_version() const { return catalog_version_; }
  std::vector<stat_row> load_stats(const std::string& popup) const;
  event_page load_events(const event_filter& filter, const event_cursor& from, uint32_t limit) const;

 private:
  struct stored_state {
    uint64_t version = 0;
    std::string bytes;
  };
  struct stored_popup {
    uint64_t last_revision = 0;
    bool alive = false;
    std::string document;
    int64_t created_ms = 0;
    int64_t updated_ms = 0;
    uint64_t revision() const { return alive ? last_revision : 0; }
  };
  struct remembered {
    int64_t at_ms = 0;
    std::string body;
  };
  using place = std::pair<int64_t, int64_t>; // at, seq
  struct mark {
    uint16_t shard = 0;
    int64_t begun_ms = 0;
    int64_t last_seq = 0;
    place from;
  };

  write_outcome apply(const claim_write& job);
  write_outcome apply(const event_batch_write& job);
  write_outcome apply(const profile_write& job);
  write_outcome apply(const user_erase& job);
  write_outcome apply(const erase_piece& job);
  write_outcome apply(const popup_write& job);
  write_outcome apply(const popup_erase& job);
  write_outcome apply(const settings_write& job);
  write_outcome apply(const answers_prune& job);
  write_outcome apply(const popup_mark& job);
  void count(const std::string& user, counter_key key);
  bool uncount(const std::string& user);
  struct erased_events;
  erased_events erase_events(const std::string& user, place from, int64_t last_seq, uint32_t limit);
  bool is_hidden(const event_row& e, int64_t seq) const;
  enum class move_result : uint8_t { unchanged, changed, unreadable };
  move_result move_state(const event_row& e);

  std::map<std::string, stored_state> states_;
  std::map<std::string, std::string> profiles_;
  std::map<std::pair<std::string, std::string>, remembered> answers_; // user, request id
  std::map<place, event_row> events_;
  std::set<std::string> event_ids_;
  int64_t last_seq_ = 0;
  std::map<std::string, mark> marks_;
  std::map<std::string, std::map<counter_key, int64_t>> user_counters_;
  std::map<counter_key, counter_change> counters_;
  std::map<std::string, stored_popup> popups_;
  std::string settings_;
  uint64_t settings_revision_ = 0;
  uint64_t catalog_version_ = 0;
};

/// The tables and their mutex, shared by the sessions of a store.
struct memory_shared {
  explicit memory_shared(std::function<int64_t()> clock_ms) : tables(std::move(clock_ms)) {}

  std::mutex mutex;
  memory_tables tables;
};

/// Calls `f` with the tables while nobody else uses them.
template <class F>
auto with_tables(memory_shared& shared, F&& f) -> decltype(f(shared.tables)) {
  std::lock_guard<std::mutex> guard{shared.mutex};
  return f(shared.tables);
}

} // namespace beckon::storage
