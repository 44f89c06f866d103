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

/// Marks popups in every database but that of the catalogue, which knows them.
caf::error make_known(session& catalog, sessions& users, const popup_mark& popups);

/// Carries out one group: the jobs about users in one transaction for each database that they concern, those
/// about the catalogue that follow one another in one of `catalog`, which may be one of `users`. All in their
/// order. What failed stands in the outcomes.
std::vector<write_outcome> write_group(session& catalog, sessions& users, const std::vector<write_job>& jobs);

} // namespace beckon::storage::sharded
