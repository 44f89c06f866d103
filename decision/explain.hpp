#pragma once

#include "decision/gates.hpp"

#include <string_view>

namespace beckon::decision {

/// The explanation for one candidate. `outdone_by`: for gate `taken` the placement that took the popup; for a
/// candidate that passed every gate but was outranked, the id of the popup shown instead.
candidate explain_candidate(const request_view& v, const popup& p, gate refused_by,
                            std::string_view outdone_by);

} // namespace beckon::decision
