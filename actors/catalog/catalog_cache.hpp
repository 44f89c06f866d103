#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/next_turn.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

/// The room of the live catalogue: loaded once, changed durably, and pushed to the shards.
namespace beckon::actors {

/// State of the catalogue's owner. One load at a time, however many wait for it. A change that does not
/// directly follow the known version (another node wrote) causes a full reload.
struct catalog_cache_state {
  using self_pointer = catalog_cache_actor::stateful_pointer<catalog_cache_state>;
  using change_promise = caf::typed_response_promise<catalog_answer_ptr>;

  struct change {
    catalog_ask_ptr ask;
    change_promise promise;
    bool existed = false;
    int64_t at_ms = 0; // the time of the change, as stored
    catalog_ask_ptr members =
        {}; // of settings without If-Match: the changes, to be merged into the stored settings
    uint8_t merges = 0;
  };

  self_pointer self = nullptr;
  node_context_ptr node;
  catalog_view_ptr view;
  next_turn turn; // for the regular look, or the next try after a failed one
  uint64_t last_token = 0;
  uint64_t loading = 0; // token of the running load; 0: none
  bool stale = true;    // the store may have a newer version than the view: load until it is known
  bool failing = false; // the last load failed
  std::unordered_map<uint64_t, change> changes;
  /// Durable changes that wait for a load to become live.
  std::vector<std::pair<change, storage::write_outcome>> written_ahead;

  std::vector<change> to_merge; // settings that another node changed first: merged again after the load
  uint64_t wanted = 0;          // the newest version reported by others, until a load has looked for it
  uint64_t looked_for = 0;      // `wanted` when the running load began

  change_promise accept(catalog_ask_ptr ask);
  void written(const write_result& result);
  void loaded(const read_result& result);
  void fail_all();
  void load();
  void look(uint64_t version);
  void beat();

  static const char* name;

 private:
  void submit(change c);
  bool merge_again(change& c);
  void complete(change c, const storage::write_outcome& outcome);
  void adopt(storage::catalog_rows rows);
  void refuse(change& c, catalog_answer::status why, std::string detail);
  catalog_answer::status precheck(const catalog_ask& ask, bool& existed) const;
};

catalog_cache_actor::behavior_type catalog_cache(catalog_cache_state::self_pointer self,
                                                 node_context_ptr node);

/// Compiles stored rows. A row that does not compile (written by another version) is skipped and named in
/// `faults`.
decision::catalog_ptr compile(const storage::catalog_rows& rows, const catalog_view* before,
                              std::vector<std::string>& faults);

} // namespace beckon::actors
