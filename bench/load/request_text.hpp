#pragma once

#include "bench/load/answer_check.hpp"
#include "bench/load/mix.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The bytes of requests.
namespace beckon::load {

/// The id of one event: "RUN-THREAD-NUMBER".
void append_event_id(std::string& out, std::string_view ledger_name, uint64_t number);

/// The body of a decide; no request id when it is empty.
std::string decide_body(std::string_view user, const std::vector<std::string>& placements,
                        std::string_view request_id);

/// A batch of events with the ids from `first` on, about users, types and popups that `from` picks.
std::string events_body(const mix& m, std::string_view ledger_name, uint64_t first, uint64_t count,
                        int64_t at_ms, random_source& from, const weighted& types);

/// The event that reports a showing.
std::string claim_event_body(std::string_view type, std::string_view ledger_name, uint64_t number,
                             std::string_view user, std::string_view decision, const shown_popup& shown,
                             int64_t at_ms);

/// A whole POST with a JSON body.
void append_post(std::string& out, std::string_view path, std::string_view host, bool keep_alive,
                 std::string_view body);

} // namespace beckon::load
