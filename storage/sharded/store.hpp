#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <vector>

/// The room of users spread over several databases: one store made of a store for the catalogue and one for
/// each part of the users.
namespace beckon::storage {

/// One store made of several: everything about a user (state, profile, answers, events, counters) is in
/// `users[shard % users.size()]`, the catalogue in `catalog`, which may be one of them.
/// A group of jobs becomes one transaction in each database that it concerns, and one for jobs about the
/// catalogue that follow one another. Where one fails, the outcomes of its jobs carry the error, and the
/// others stand. A job of which a part was stored and a part was not is of unknown outcome; the same once
/// more completes it. Weaker than in one database: remembered answers are pruned in each for its share of the
/// limit; events of one moment are listed in the order of arrival only within a database; an event's id is
/// unique among the events of its users; of a batch of events that is fenced, what other databases hold is
/// stored (the same once more completes it). A new popup is made known to all of `users` before it is in the
/// catalogue. Blocks: as its parts, one after the other.
store_ptr make_sharded_store(store_ptr catalog, std::vector<store_ptr> users);

/// Makes every popup of `catalog` known to `users`: those may be younger, or put back from an older copy. To
/// be called before they are used together. Popups erased before are not known to a younger database.
caf::error make_catalog_known(store& catalog, const std::vector<store_ptr>& users, int64_t now_ms);

} // namespace beckon::storage
