#pragma once

#include "actors/context/work.hpp"

#include <cstddef>

namespace beckon::actors {

/// Which class a job belongs to.
work_class class_of(const storage::write_job& job);
work_class class_of(const read_job& job);

/// What a job weighs in a queue.
size_t weight_of(const storage::write_job& job);
size_t weight_of(const read_job& job);

/// How many rows it adds or changes, or reads.
size_t rows_of(const storage::write_job& job);
size_t rows_of(const read_job& job);

} // namespace beckon::actors
