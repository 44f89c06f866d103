#include "bench/load/request_maker.hpp"

#include <algorithm>

namespace beckon::load {

namespace {

constexpr size_t ring_max = 4096;
constexpr size_t claims_max = 100'000;
constexpr size_t resend_bytes_max = size_t{64} << 20;
constexpr int64_t resend_first_ns = 100'000'000;
constexpr unsigned doublings_max = 4; // 1.6 s
constexpr int64_t resend_longest_ns = 2'000'000'000;

} // namespace

request_maker::request_maker(const mix& m, setup s)
    : mix_(m),
      setup_(std::move(s)),
      random_(setup_.seed * 0x2545f4914f6cdd1d + setup_.thread),
      zipf_(m.users, m.exponent),
      kinds_(m.shares),
      types_(m.event_weights),
      users_in_turn_(setup_.thread) {}

made_request request_maker::next(int64_t now_ns, int64_t now_ms) {
  if (has_resend(now_ns))
    return take_resend();
  if (!claims_.empty())
    return claim_event(now_ms);
  auto drawn = static_cast<kind>(kinds_.pick(random_));
  return drawn == kind::events ? events(now_ms) : decide(drawn);
}

uint64_t request_maker::pick_user() {
  switch (mix_.order) {
  case users_by::zipf:
    return zipf_.pick(random_) - 1;
  case users_by::in_turn: {
    // Threads take different users, so that no user comes twice before all had a turn.
    auto user = users_in_turn_ % mix_.users;
    users_in_turn_ += setup_.threads;
    return user;
  }
  default:
    return random_.below(mix_.users);
  }
}

made_request request_maker::decide(kind k) {
  if (k == kind::retry && !ring_.empty())
    return fill_decide(k, ring_[random_.below(ring_.size())], true);
  remembered fresh{pick_user(), random_.below(mix_.placements.size()), next_request_id_};
  bool with_id = k != kind::decide; // a retry with nothing to repeat is a first call with an id
  if (!with_id)
    return fill_decide(k, fresh, false);
  ++next_request_id_;
  if (ring_.size() < ring_max)
    ring_.push_back(fresh);
  else
    ring_[ring_at_++ % ring_max] = fresh;
  return fill_decide(kind::decide_id, fresh, true);
}

made_request request_maker::fill_decide(kind k, const remembered& r, bool with_id) const {
  made_request result;
  result.kind = k;
  result.user = mix_.user_prefix + std::to_string(r.user);
  for (uint64_t i = 0; i < mix_.placements_per_decide; ++i)
    result.placements.push_back(mix_.placements[(r.placement + i) % mix_.placements.size()]);
  if (with_id)
    result.request_id = setup_.ledger_name + "-r" + std::to_string(r.number);
  result.body = decide_body(result.user, result.placements, result.request_id);
  return result;
}

made_request request_maker::events(int64_t now_ms) {
  made_request result;
  result.kind = kind::events;
  result.first = next_event_;
  result.count = mix_.batch_min + random_.below(mix_.batch_max - mix_.batch_min + 1);
  next_event_ += result.count;
  result.body = events_body(mix_, setup_.ledger_name, result.first, result.count, now_ms, random_, types_);
  return result;
}

made_request request_maker::claim_event(int64_t now_ms) {
  auto c = std::move(claims_.front());
  claims_.pop_front();
  made_request result;
  result.kind = kind::claim_event;
  result.first = next_event_++;
  result.count = 1;
  result.body = claim_event_body(mix_.claim_event, setup_.ledger_name, result.first, c.user, c.decision,
                                 c.shown, now_ms);
  return result;
}

made_request request_maker::take_resend() {
  auto first = resends_.begin();
  auto result = std::move(first->second);
  resends_.erase(first);
  resend_bytes_ -= result.body.size();
  return result;
}

void request_maker::showed(const made_request& request, const decide_answer& answer) {
  if (mix_.claim_event.empty() || request.kind == kind::retry)
    return;
  for (const auto& shown : answer.shown)
    if (claims_.size() < claims_max)
      claims_.push_back({request.user, answer.decision, shown});
}

bool request_maker::again(made_request request, int64_t now_ns, int64_t wait_ns) {
  if (resend_bytes_ + request.body.size() > resend_bytes_max)
    return false;
  auto back_off_ns = std::min(resend_first_ns << std::min(request.attempt, doublings_max), resend_longest_ns);
  request.kind = kind::resend;
  ++request.attempt;
  resend_bytes_ += request.body.size();
  resends_.emplace(now_ns + std::max(back_off_ns, wait_ns), std::move(request));
  return true;
}

} // namespace beckon::load
