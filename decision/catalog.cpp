#include "decision/catalog.hpp"

#include "json/time_text.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <cmath>

namespace beckon::decision {

namespace {

bool outranks(const popup_ptr& a, const popup_ptr& b) {
  return a->priority != b->priority ? a->priority > b->priority : a->id < b->id;
}

bool earlier_id(const popup_ptr& a, const popup_ptr& b) {
  return a->id < b->id;
}

} // namespace

settings parse_settings(const json::value& v, json::field_errors& errors, settings base) {
  settings result = base;
  json::path root;
  json::object_reader in{v, root, errors};
  // "0s" is not a valid duration elsewhere, but here it is the plain way to say "no gap".
  const auto* gap = in.member("min_gap");
  auto none =
      gap != nullptr ? gap->IsString() && json::view(*gap) == "0s" : v.IsObject() && v.HasMember("min_gap");
  if (none)
    result.min_gap_ms = 0;
  else if (gap != nullptr)
    result.min_gap_ms = in.duration_ms("min_gap").value_or(0);
  if (in.member("quiet_hours") != nullptr)
    in.error("quiet_hours", "quiet hours are not supported by this version; leave it out or set it to null");
  result.holdout_percent = in.number("holdout_percent", 0.0, 100.0).value_or(base.holdout_percent);
  in.finish();
  return result;
}

std::string to_json(const settings& s) {
  std::string out;
  json::writer w{out};
  w.begin_object().member("min_gap", json::format_duration(s.min_gap_ms)).key("quiet_hours").null();
  w.key("holdout_percent");
  if (s.holdout_percent == std::floor(s.holdout_percent))
    w.number(static_cast<int64_t>(s.holdout_percent));
  else
    w.number(s.holdout_percent);
  w.end_object();
  return out;
}

catalog::catalog(uint64_t version, settings s, std::vector<popup_ptr> popups)
    : version_(version), settings_(s), all_(std::move(popups)) {
  std::sort(all_.begin(), all_.end(), earlier_id);
  for (const auto& p : all_)
    if (p->status == popup_status::live)
      for (const auto& placement : p->placements)
        by_placement_[placement].push_back(p);
  for (auto& [placement, candidates] : by_placement_)
    std::sort(candidates.begin(), candidates.end(), outranks);
}

const std::vector<popup_ptr>& catalog::at(std::string_view placement) const {
  static const std::vector<popup_ptr> none;
  auto found = by_placement_.find(placement);
  return found != by_placement_.end() ? found->second : none;
}

popup_ptr catalog::find(std::string_view id) const {
  auto at = std::lower_bound(all_.begin(), all_.end(), id,
                             [](const popup_ptr& p, std::string_view wanted) { return p->id < wanted; });
  return at != all_.end() && (*at)->id == id ? *at : nullptr;
}

} // namespace beckon::decision
