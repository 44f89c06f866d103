#pragma once

#include "cluster_book.hpp"
#include "storage/outbox.hpp"
#include "storage/store.hpp"

#include <memory>
#include <set>
#include <string>

namespace beckon::actors::test {

/// How one node's way to the database fares.
struct database_way {
  bool cut = false;
  uint64_t lose_percent = 0; // of the calls that write: carried out, and then their outcome is not known
  uint64_t fail_percent = 0; // of all calls
  uint64_t slow_percent = 0; // of all calls
  // What must not be, to see that it is found.
  bool strips_fences = false;
  bool renames_events = false; // each event gets a new id with each write: no unique key
};

/// The one database of all, as one node reaches it: every call has the fate that `way` and the dice give it,
/// and the book sees what was stored under which owners. All must outlive it.
storage::store_ptr make_watched_store(storage::store_ptr inner, database_way& way, sim_dice& dice,
                                      sim_book& book);

/// An outbox that outlives the process of its node, as a file does. Not threadsafe.
class memory_outbox : public storage::outbox, public std::enable_shared_from_this<memory_outbox> {
 public:
  caf::error append(const std::vector<const std::vector<storage::event_row>*>& batches) override;
  caf::expected<std::vector<storage::outbox_batch>> oldest(size_t events_max) override;
  caf::error shipped(int64_t seq) override;
  caf::error set_aside(int64_t seq, const std::string& reason) override;
  storage::outbox_depth depth() const override;
  std::string describe() const override { return "outbox in memory"; }
  std::unique_ptr<storage::write_session> open_writer() override;

  std::set<std::string> ids() const;

 private:
  std::vector<storage::outbox_batch> batches_;
  int64_t last_ = 0;
};

} // namespace beckon::actors::test
