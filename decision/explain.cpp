#include "decision/explain.hpp"

#include "decision/hash.hpp"
#include "json/time_text.hpp"
#include "json/writer.hpp"

namespace beckon::decision {

namespace {

/// Builds one flat JSON object.
class fact_list {
 public:
  fact_list() { writer_.begin_object(); }

  template <class Value>
  void add(std::string_view name, const Value& v) {
    writer_.member(name, v);
  }

  /// 0 says never.
  void time(std::string_view name, int64_t ms) { writer_.key(name).time_or_null(ms); }
  void time(std::string_view name, const std::optional<int64_t>& ms) { time(name, ms.value_or(0)); }
  void duration(std::string_view name, int64_t ms) { add(name, json::format_duration(ms)); }

  std::string take() {
    writer_.end_object();
    return std::move(out_);
  }

 private:
  std::string out_;
  json::writer writer_{out_};
};

void limit_facts(fact_list& out, const request_view& v, const popup& p, gate g) {
  const auto* record = v.state.find(p.id);
  auto seen = record != nullptr ? *record : popup_record{};
  switch (g) {
  case gate::stop_after:
    out.time("clicked_at", seen.clicked_ms);
    out.time("dismissed_at", seen.dismissed_ms);
    out.time("converted_at", seen.converted_ms);
    break;
  case gate::max_shows:
    out.add("shows", seen.shows);
    out.add("max_shows", p.freq.max_shows.value_or(0));
    break;
  case gate::every:
    out.time("last_shown_at", seen.last_shown_ms);
    out.duration("every", p.freq.every_ms.value_or(0));
    break;
  case gate::after_dismiss:
    out.time("dismissed_at", seen.dismissed_ms);
    out.duration("after_dismiss", p.freq.after_dismiss_ms.value_or(0));
    break;
  case gate::after_click:
    out.time("clicked_at", seen.clicked_ms);
    out.duration("after_click", p.freq.after_click_ms.value_or(0));
    break;
  default:
    break;
  }
}

std::string facts_of(const request_view& v, const popup& p, gate g, std::string_view outdone_by) {
  const auto& user = v.request.user;
  fact_list out;
  switch (g) {
  case gate::window:
    out.time("from", p.from_ms);
    out.time("until", p.until_ms);
    out.time("now", v.known.now_ms);
    break;
  case gate::trigger:
    out.add("needs", p.trigger_event);
    out.add("given", v.request.trigger_event);
    break;
  case gate::holdout:
    out.add("bucket", rollout_bucket("holdout", user));
    out.add("holdout_percent", v.config.holdout_percent);
    break;
  case gate::min_gap:
    out.time("next_eligible_at", v.state.next_eligible_ms);
    break;
  case gate::taken:
    out.add("placement", outdone_by);
    break;
  case gate::audience:
    return p.audience.facts_json(v.known);
  case gate::rollout:
    out.add("bucket", rollout_bucket(p.rollout_salt, user));
    out.add("percent", p.rollout_percent);
    break;
  case gate::none:
    out.add("priority", p.priority);
    if (!outdone_by.empty())
      out.add("by", outdone_by);
    break;
  default:
    limit_facts(out, v, p, g);
  }
  return out.take();
}

} // namespace

candidate explain_candidate(const request_view& v, const popup& p, gate refused_by,
                            std::string_view outdone_by) {
  candidate result;
  result.popup = p.id;
  result.revision = p.revision;
  result.gate = refused_by == gate::none && !outdone_by.empty() ? "outranked" : to_string(refused_by);
  result.facts_json = facts_of(v, p, refused_by, outdone_by);
  return result;
}

} // namespace beckon::decision
