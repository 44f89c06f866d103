#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <vector>

/// The room of users spread over several databases: one store made of a store for the catalogue and one for
/// each part of the users.
namespace beckon::storage {

/// One store made of several: everything about a user (state, profile, answers, events, counters) is in
/// `users[shard % users.size()]`, the catalogue in `catalog`, which may be one of them. A group of jobs
/// becomes one transaction in each affected database, and one for consecutive jobs about the catalogue. If
/// one fails, the outcomes of its jobs carry the error, and the others stand. A job that was stored only in
/// part has an unknown outcome; repeating it completes it. Some properties are weaker than with one database:
/// answers are pruned in each database for its share of the limit; events of one moment are listed in arrival
/// order only within a database; an event's id is unique only among the events of a database's users; if one
/// database fences a batch of events, the others still store their part (repeating it completes it). A new
/// popup is registered in all of `users` before it is in the catalogue. Blocks: like its parts, one after the
/// other.
store_ptr make_sharded_store(store_ptr catalog, std::vector<store_ptr> users);

/// Registers every popup of `catalog` in `users`, which may be newer or restored from an older copy. Call it
/// before using them together. A newer database does not know popups that were erased before.
caf::error make_catalog_known(store& catalog, const std::vector<store_ptr>& users, int64_t now_ms);

} // namespace beckon::storage
