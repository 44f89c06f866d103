#pragma once

#include "storage/rows.hpp"

#include <cstddef>

/// What rows and jobs weigh in memory and on a link, about: for every bound in bytes.
namespace beckon::storage {

/// The event's texts and its numbers.
size_t size_bytes(const event_row& e);

/// The texts of the job, of its events if it has any, and something for the rest.
size_t size_bytes(const write_job& job);

/// How many rows the job adds, changes or deletes at most, about; those of one user or popup count as one.
size_t size_rows(const write_job& job);

} // namespace beckon::storage
