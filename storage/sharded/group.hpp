#pragma once

#include "storage/store.hpp"

#include <memory>
#include <string>
#include <vector>

/// How a group of jobs is split over several databases. Private to storage/sharded.
namespace beckon::storage::sharded {

using sessions = std::vector<std::unique_ptr<session>>;

/// The number of the database that holds a user.
size_t place_of(const std::string& user, size_t databases);

/// Registers popups in every database except the catalogue's, which knows them.
caf::error make_known(session& catalog, sessions& users, const popup_mark& popups);

/// Executes one group in order: jobs about users in one transaction per affected database, consecutive jobs
/// about the catalogue in one transaction of `catalog`, which may be one of `users`. Failures are in the
/// outcomes.
std::vector<write_outcome> write_group(session& catalog, sessions& users, const std::vector<write_job>& jobs);

} // namespace beckon::storage::sharded
