#include "bench/load/mix.hpp"

#include "json/object_reader.hpp"

#include <array>

namespace beckon::load {

namespace {

using json::object_reader;

constexpr std::array<std::string_view, 5> event_types_known = {"impression", "click", "dismiss", "convert",
                                                               "custom"};

bool is_event_type(std::string_view name) {
  for (auto known : event_types_known)
    if (name == known)
      return true;
  return false;
}

void read_names(object_reader& in, std::string_view name, size_t max, std::vector<std::string>& out) {
  const auto* list = in.array(name, 1, max);
  if (!list)
    return;
  out.clear();
  for (const auto& one : list->GetArray()) {
    if (one.IsString() && json::is_identifier(json::view(one)))
      out.emplace_back(json::view(one));
    else
      in.error(name, "each is a string of 1 to 128 bytes without control characters");
  }
}

void read_users(object_reader& in, mix& out) {
  const auto* users = in.object("users");
  if (!users)
    return;
  auto where = in.at("users");
  object_reader u{*users, where, in.errors()};
  out.users = static_cast<uint64_t>(u.integer("count", 1, 1'000'000'000).value_or(10'000));
  auto order = u.string("distribution").value_or("uniform");
  if (order == "uniform")
    out.order = users_by::uniform;
  else if (order == "zipf")
    out.order = users_by::zipf;
  else if (order == "in-turn")
    out.order = users_by::in_turn;
  else
    u.error("distribution", "must be uniform, zipf or in-turn");
  out.exponent = u.number("exponent", 0.1, 5.0).value_or(1.0);
  out.user_prefix = u.string("prefix").value_or("u-");
  if (out.user_prefix.size() > 100 || !json::is_identifier(out.user_prefix + "0"))
    u.error("prefix", "at most 100 bytes without control characters");
  u.finish();
}

void read_shares(object_reader& in, mix& out) {
  const auto* shares = in.object("shares");
  if (!shares)
    return;
  auto where = in.at("shares");
  object_reader s{*shares, where, in.errors()};
  constexpr std::array<std::string_view, drawn_kinds> names = {"decide", "decide_with_request_id", "retry",
                                                               "events"};
  double sum = 0;
  for (size_t i = 0; i < drawn_kinds; ++i)
    sum += out.shares[i] = s.number(names[i], 0, 1e9).value_or(0);
  if (sum <= 0)
    in.error("shares", "at least one share must be above 0");
  if (out.shares[2] > 0 && out.shares[1] <= 0)
    s.error("retry", "there is nothing to retry without decide_with_request_id");
  s.finish();
}

void read_types(object_reader& in, mix& out) {
  const auto* types = in.object("types");
  if (!types)
    return;
  out.event_types.clear();
  out.event_weights.clear();
  double sum = 0;
  for (const auto& one : types->GetObject()) {
    if (!is_event_type(json::view(one.name)))
      in.error("types", "known types are impression, click, dismiss, convert and custom");
    else if (!one.value.IsNumber() || one.value.GetDouble() < 0)
      in.error("types", "a weight is a number that is not negative");
    else {
      out.event_types.emplace_back(json::view(one.name));
      out.event_weights.push_back(one.value.GetDouble());
      sum += out.event_weights.back();
    }
  }
  if (sum <= 0)
    in.error("types", "at least one weight must be above 0");
}

void read_events(object_reader& in, mix& out) {
  const auto* events = in.object("events");
  if (!events)
    return;
  auto where = in.at("events");
  object_reader e{*events, where, in.errors()};
  out.batch_min = static_cast<uint64_t>(e.integer("batch_min", 1, 500).value_or(1));
  out.batch_max = static_cast<uint64_t>(e.integer("batch_max", 1, 500).value_or(50));
  if (out.batch_min > out.batch_max)
    e.error("batch_min", "must not be above batch_max (50 unless given)");
  read_types(e, out);
  read_names(e, "popups", 1000, out.event_popups);
  e.finish();
}

void read_mix(object_reader& in, mix& out) {
  read_users(in, out);
  read_names(in, "placements", 20, out.placements);
  auto most = static_cast<int64_t>(out.placements.size());
  out.placements_per_decide = static_cast<uint64_t>(in.integer("placements_per_decide", 1, most).value_or(1));
  read_shares(in, out);
  read_events(in, out);
  out.claim_event = in.string("event_for_each_claim").value_or("");
  if (!out.claim_event.empty() && !is_event_type(out.claim_event))
    in.error("event_for_each_claim", "must be impression, click, dismiss, convert or custom");
  auto connection = in.string("connection").value_or("keep-alive");
  out.keep_alive = connection == "keep-alive";
  if (!out.keep_alive && connection != "per-request")
    in.error("connection", "must be keep-alive or per-request");
  in.finish();
}

} // namespace

std::string_view to_string(kind k) {
  constexpr std::array<std::string_view, kind_count> names = {"decide", "decide+id",   "retry",
                                                              "events", "claim event", "resend"};
  return names[static_cast<size_t>(k)];
}

std::optional<mix> parse_mix(std::string_view text, std::string& problem) {
  json::document document;
  if (auto error = json::parse(text, document)) {
    problem = "no valid JSON at byte " + std::to_string(error->offset) + ": " + error->detail;
    return std::nullopt;
  }
  mix result;
  json::field_errors errors;
  json::path root;
  object_reader in{document, root, errors};
  if (document.IsObject())
    read_mix(in, result);
  for (const auto& error : errors)
    problem += (problem.empty() ? "" : "; ") + (error.pointer.empty() ? "the mix" : error.pointer) + ' '
               + error.detail;
  if (!problem.empty())
    return std::nullopt;
  return result;
}

} // namespace beckon::load
