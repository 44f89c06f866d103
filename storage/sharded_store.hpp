#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <vector>

namespace beckon::storage {

/// One store made of several: everything about a user (state, profile, answers, events, counters) is in
/// `users[shard % users.size()]`, the catalogue in `catalog`, which may be one of them.
/// A group of jobs becomes one transaction in each database that it concerns. Where one of them fails, the outcomes
/// of its jobs carry the error, and the others stand. An event batch about users of several databases of which some
/// failed is unknown_outcome: a part of it is stored, and the same ids again complete it.
/// Remembered answers are pruned in each database for its share of the limit, and events of one moment are listed in
/// the order of arrival only within a database. An id of an event is unique among the events of the users of one database.
/// A new popup is made known to all of `users` before it is in the catalogue.
/// Blocks: as its parts, one after the other.
store_ptr make_sharded_store(store_ptr catalog, std::vector<store_ptr> users);

} // namespace beckon::storage
