#include "decision/explain.hpp"

#include "decision/hash.hpp"
#include "json/time_text.hpp"

namespace beckon::decision {

namespace {

/// Builds one flat JSON object.
class fact_list {
 public:
  void number(std::string_view name, int64_t n) { raw(name, std::to_string(n)); }
  void number(std::string_view name, double d) { raw(name, json::to_string(json::value(d))); }

  void text(std::string_view name, std::string_view t) {
    key(name);
    json::append_quoted(out_, t);
  }

  /// 0 means never.
  void time(std::string_view name, int64_t ms) {
    raw(name, ms != 0 ? '"' + json::format_rfc3339(ms) + '"' : std::string{"null"});
  }

  void time(std::string_view name, const std::optional<int64_t>& ms) { time(name, ms.value_or(0)); }
  void duration(std::string_view name, int64_t ms) { text(name, json::format_duration(ms)); }

  std::string take() { return std::move(out_) + '}'; }

 private:
  void raw(std::string_view name, std::string_view json_text) {
    key(name);
    out_ += json_text;
  }

  void key(std::string_view name) {
    if (out_.size() > 1)
      out_.push_back(',');
    json::append_quoted(out_, name);
    out_.push_back(':');
  }

  std::string out_ = "{";
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
    out.number("shows", int64_t{seen.shows});
    out.number("max_shows", int64_t{p.freq.max_shows.value_or(0)});
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
    out.text("needs", p.trigger_event);
    out.text("given", v.request.trigger_event);
    break;
  case gate::holdout:
    out.number("bucket", int64_t{rollout_bucket("holdout", user)});
    out.number("holdout_percent", v.config.holdout_percent);
    break;
  case gate::min_gap:
    out.time("next_eligible_at", v.state.next_eligible_ms);
    break;
  case gate::taken:
    out.text("placement", outdone_by);
    break;
  case gate::audience:
    return p.audience.facts_json(v.known);
  case gate::rollout:
    out.number("bucket", int64_t{rollout_bucket(p.rollout_salt, user)});
    out.number("percent", p.rollout_percent);
    break;
  case gate::none:
    out.number("priority", int64_t{p.priority});
    if (!outdone_by.empty())
      out.text("by", outdone_by);
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
