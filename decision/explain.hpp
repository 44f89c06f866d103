#pragma once

#include "decision/gates.hpp"

#include <string_view>

namespace beckon::decision {

/// What the explanation says about one candidate. `outdone_by`: the placement that took the popup for gate
/// `taken`; the id of the popup shown instead when the candidate passed every gate but was outranked.
candidate explain_candidate(const request_view& v, const popup& p, gate refused_by,
                            std::string_view outdone_by);

} // namespace beckon::decision
