#pragma once

#include "actors/context/interfaces.hpp"

#include <cstdint>

/// Answers without a decision, for asks that could not be served.
namespace beckon::actors {

/// Shows and charges nothing: each placement is UNAVAILABLE. `now_ms`: Unix time.
decide_answer_ptr refuse(decide_ask_ptr ask, ask_status why, uint64_t catalog_version, int64_t now_ms);

user_answer_ptr refuse(user_ask_ptr ask, ask_status why);

} // namespace beckon::actors
