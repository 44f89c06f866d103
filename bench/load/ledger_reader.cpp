#include "bench/load/ledger_reader.hpp"

#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace beckon::load {

namespace {

using json::object_reader;
using need = object_reader::need;

constexpr int64_t number_max = INT64_MAX;

uint64_t whole(object_reader& in, std::string_view name, int64_t min = 0) {
  if (auto number = in.integer(name, min, number_max))
    return static_cast<uint64_t>(*number);
  if (!in.member(name))
    in.error(name, "is missing");
  return 0;
}

std::string text(object_reader& in, std::string_view name, need n = need::optional) {
  return std::string{in.string(name, n).value_or("")};
}

ledger_begin read_begin(object_reader& in) {
  ledger_begin result;
  in.integer("ledger", 1, 1);
  result.run = text(in, "run", need::required);
  result.thread = whole(in, "thread");
  result.at_us = static_cast<int64_t>(whole(in, "at_us"));
  if (const auto* seed = in.member("seed"); seed && seed->IsUint64())
    result.seed = seed->GetUint64();
  if (const auto* shows = in.object("shows_before")) {
    result.shows_before.emplace();
    for (const auto& one : shows->GetObject())
      if (one.value.IsUint64())
        result.shows_before->emplace(json::view(one.name), one.value.GetUint64());
  }
  return result;
}

std::optional<kind> kind_named(std::string_view name) {
  for (size_t i = 0; i < kind_count; ++i)
    if (name == to_string(static_cast<kind>(i)))
      return static_cast<kind>(i);
  return std::nullopt;
}

ledger_intent read_intent(object_reader& in) {
  ledger_intent result;
  result.number = whole(in, "send");
  result.at_us = static_cast<int64_t>(whole(in, "at_us"));
  auto what = kind_named(in.string("kind").value_or(""));
  if (!what)
    in.error("kind", "is no known kind of request");
  result.kind = what.value_or(kind::decide);
  if (result.kind >= kind::events) {
    result.first = whole(in, "first");
    result.count = whole(in, "count", 1);
    return result;
  }
  result.user = text(in, "user", need::required);
  result.request_id = text(in, "request_id");
  if (const auto* placements = in.array("placements", 1, 20, need::required))
    for (const auto& one : placements->GetArray())
      if (one.IsString())
        result.placements.emplace_back(json::view(one));
  return result;
}

void read_shown(object_reader& in, decide_answer& out) {
  const auto* shown = in.array("shown", 1, 20);
  if (!shown)
    return;
  for (const auto& one : shown->GetArray()) {
    if (!one.IsArray() || one.Size() != 3 || !one[0].IsString() || !one[1].IsString() || !one[2].IsUint64()) {
      in.error("shown", "is not [placement, popup, revision]");
      return;
    }
    shown_popup s;
    s.placement = json::view(one[0]);
    s.popup = json::view(one[1]);
    s.revision = one[2].GetUint64();
    out.shown.push_back(std::move(s));
  }
}

decide_answer read_decided(object_reader& in, uint64_t& digest) {
  decide_answer result;
  result.decision = text(in, "decision");
  result.catalog = whole(in, "catalog");
  if (in.member("next_ms"))
    result.next_ms = static_cast<int64_t>(whole(in, "next_ms"));
  result.promises = in.boolean("promise").value_or(false);
  result.unavailable = in.boolean("unavailable").value_or(false);
  read_shown(in, result);
  auto mark = in.string("digest").value_or("");
  auto [end, error] = std::from_chars(mark.data(), mark.data() + mark.size(), digest, 16);
  if (mark.empty() || error != std::errc{} || end != mark.data() + mark.size())
    in.error("digest", "is no hexadecimal number");
  return result;
}

ledger_outcome read_outcome(object_reader& in) {
  ledger_outcome result;
  result.number = whole(in, "got");
  result.at_us = static_cast<int64_t>(whole(in, "at_us"));
  result.status = static_cast<int>(in.integer("status", 0, 599).value_or(0));
  result.lost = text(in, "lost");
  if (in.member("decision"))
    result.decide = read_decided(in, result.digest);
  if (in.member("accepted")) {
    events_answer events;
    events.accepted = whole(in, "accepted");
    events.duplicates = whole(in, "duplicates");
    if (const auto* rejected = in.array("rejected", 1, 500))
      for (const auto& one : rejected->GetArray())
        if (one.IsUint64())
          events.rejected.push_back(one.GetUint64());
    result.events = std::move(events);
  }
  return result;
}

/// One file being read: which line may come next.
class line_reader {
 public:
  explicit line_reader(ledger_sink& sink) : sink_(sink) {}

  /// False: `problem` says why this line is not allowed here.
  bool take(std::string_view line, std::string& problem) {
    ++lines_;
    json::document document;
    if (auto error = json::parse(line, document)) {
      problem = "no valid JSON: " + error->detail;
      return false;
    }
    json::field_errors errors;
    json::path root;
    object_reader in{document, root, errors};
    if (document.IsObject())
      dispatch(in, document);
    if (!errors.empty())
      problem = errors.front().pointer + ' ' + errors.front().detail;
    return errors.empty();
  }

  bool begun() const { return lines_ > 0; }
  bool whole_file() const { return ended_; }
  uint64_t lines() const { return lines_; }

 private:
  void dispatch(object_reader& in, const json::document& document) {
    bool is_begin = document.HasMember("ledger");
    if (is_begin != (lines_ == 1) || ended_)
      in.error("", is_begin ? "a second beginning"
                   : ended_ ? "a line after the end"
                            : "the first line is missing");
    else if (is_begin)
      sink_.begin(read_begin(in));
    else if (document.HasMember("send"))
      sink_.sent(read_intent(in));
    else if (document.HasMember("got"))
      sink_.answered(read_outcome(in));
    else
      end(in);
    if (in.errors().empty())
      in.finish();
  }

  void end(object_reader& in) {
    ended_ = true;
    if (whole(in, "end") != lines_)
      in.error("end", "says that there are other lines than these: lines were added or taken away");
  }

  ledger_sink& sink_;
  uint64_t lines_ = 0;
  bool ended_ = false;
};

} // namespace

std::vector<std::string> ledger_files(const std::string& directory, std::string& problem) {
  std::vector<std::string> result;
  std::error_code code;
  for (std::filesystem::directory_iterator i{directory, code}, last; !code && i != last; i.increment(code))
    if (i->path().extension() == ".jsonl")
      result.push_back(i->path().string());
  std::sort(result.begin(), result.end());
  if (code)
    problem = "ledger " + directory + ": " + code.message();
  else if (result.empty())
    problem = "ledger " + directory + ": there is no .jsonl file; name the directory that run --ledger wrote";
  if (!problem.empty())
    result.clear();
  return result;
}

bool read_ledger(const std::string& path, ledger_sink& sink, std::string& problem) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    problem = path + ": cannot be opened";
    return false;
  }
  line_reader lines{sink};
  std::string line;
  std::string why;
  while (std::getline(file, line)) {
    // The cut of a kill: a line without an end, or with a hole that was not copied yet.
    if (file.eof() || line.find('\0') != std::string::npos)
      break;
    if (!lines.take(line, why)) {
      problem = path;
      problem.append(":").append(std::to_string(lines.lines())).append(": ").append(why);
      return false;
    }
  }
  if (file.bad() || !lines.begun()) {
    problem = path + (file.bad() ? ": cannot be read" : ": the first line is missing");
    return false;
  }
  sink.end(lines.whole_file());
  return true;
}

} // namespace beckon::load
