#pragma once

#include "storage/store.hpp"

#include <memory>
#include <string>
#include <vector>

/// How a group of jobs goes to several databases. Private to storage/*.cpp.
namespace beckon::storage::sharded {

using sessions = std::vector<std::unique_ptr<session>>;

/// The number of the database that holds a user.
size_t place_of(const std::string& user, size_t databases);

/// Carries out one group: the jobs about users in one transaction for each database that they concern, those about
/// the catalogue one by one in `catalog`, which may be one of `users`. All in their order.
caf::expected<std::vector<write_outcome>> write_group(session& catalog, sessions& users,
                                                      const std::vector<write_job>& jobs);

} // namespace beckon::storage::sharded
