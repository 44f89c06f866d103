#include "actors/context/refusals.hpp"

#include "base/uuid.hpp"

#include <utility>

namespace beckon::actors {

decide_answer_ptr refuse(decide_ask_ptr ask, ask_status why, uint64_t catalog_version, int64_t now_ms) {
  auto answer = std::make_shared<decide_answer>();
  answer->status = why;
  answer->catalog_version = catalog_version;
  answer->at_ms = now_ms;
  answer->decision_id = base::make_uuid_v7(now_ms);
  answer->what.placements.resize(ask->request.placements.size());
  for (auto& p : answer->what.placements)
    p.why = decision::reason::unavailable;
  answer->ask = std::move(ask);
  return answer;
}

user_answer_ptr refuse(user_ask_ptr ask, ask_status why) {
  auto answer = std::make_shared<user_answer>();
  answer->ask = std::move(ask);
  answer->status = why;
  return answer;
}

} // namespace beckon::actors
