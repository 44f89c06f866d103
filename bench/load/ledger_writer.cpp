#include "bench/load/ledger_writer.hpp"

#include "json/json.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::load {

namespace {

constexpr size_t window_bytes = size_t{16} << 20;

template <class Number>
void append_number(std::string& out, Number value, int base = 10) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof(text), value, base).ptr;
  out.append(text, end);
}

template <class Number>
void append_member(std::string& out, std::string_view name, Number value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  json::append_quoted(out, value);
}

template <class List, class Append>
void append_list(std::string& out, const List& list, Append append) {
  out.push_back('[');
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0)
      out.push_back(',');
    append(list[i]);
  }
  out.push_back(']');
}

void append_decide(std::string& out, const decide_answer& d) {
  append_text(out, "decision", d.decision);
  append_member(out, "catalog", d.catalog);
  if (d.next_ms)
    append_member(out, "next_ms", *d.next_ms);
  if (d.promises)
    out += R"(,"promise":true)";
  if (d.unavailable)
    out += R"(,"unavailable":true)";
  if (d.shown.empty())
    return;
  out += R"(,"shown":)";
  append_list(out, d.shown, [&](const shown_popup& s) {
    out.push_back('[');
    json::append_quoted(out, s.placement);
    out.push_back(',');
    json::append_quoted(out, s.popup);
    out.push_back(',');
    append_number(out, s.revision);
    out.push_back(']');
  });
}

void append_events(std::string& out, const events_answer& e) {
  append_member(out, "accepted", e.accepted);
  append_member(out, "duplicates", e.duplicates);
  if (e.rejected.empty())
    return;
  out += R"(,"rejected":)";
  append_list(out, e.rejected, [&](uint64_t index) { append_number(out, index); });
}

std::string begin_line(const ledger_begin& begin) {
  std::string out = R"({"ledger":1)";
  append_text(out, "run", begin.run);
  append_member(out, "thread", begin.thread);
  append_member(out, "at_us", begin.at_us);
  append_member(out, "seed", begin.seed);
  if (begin.shows_before) {
    out += R"(,"shows_before":{)";
    bool first = true;
    for (const auto& [popup, shows] : *begin.shows_before) {
      if (!std::exchange(first, false))
        out.push_back(',');
      json::append_quoted(out, popup);
      out.push_back(':');
      append_number(out, shows);
    }
    out.push_back('}');
  }
  out += "}\n";
  return out;
}

} // namespace

ledger_writer::~ledger_writer() {
  if (map_)
    munmap(map_, map_bytes_);
  if (fd_ >= 0)
    ::close(fd_);
}

bool ledger_writer::fail(const std::string& what, int code) {
  problem_ = "ledger " + path_ + ": " + what + ": " + std::generic_category().message(code);
  return false;
}

bool ledger_writer::open(const std::string& directory, const ledger_begin& begin) {
  path_ = directory + '/' + ledger_name(begin.run, begin.thread) + ".jsonl";
  std::error_code code;
  std::filesystem::create_directories(directory, code);
  if (code)
    return fail("cannot create the directory", code.value());
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0)
    return fail("cannot create", errno);
  return append(begin_line(begin));
}

bool ledger_writer::grow(size_t bytes_min) {
  if (map_)
    munmap(map_, map_bytes_);
  map_ = nullptr;
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  map_start_ = used_ / page * page;
  map_bytes_ = window_bytes + (bytes_min + page) / page * page;
  // Reserve the space, not only the length: writing to a mapped page without disk space kills the process.
  if (int code = posix_fallocate(fd_, static_cast<off_t>(map_start_), static_cast<off_t>(map_bytes_)))
    return fail("no room for more lines; free some space, or take a shorter run", code);
  auto* map =
      mmap(nullptr, map_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(map_start_));
  if (map == MAP_FAILED)
    return fail("cannot map", errno);
  map_ = static_cast<char*>(map);
  return true;
}

bool ledger_writer::append(std::string_view line) {
  if ((!map_ || used_ + line.size() > map_start_ + map_bytes_) && !grow(line.size()))
    return false;
  std::memcpy(map_ + (used_ - map_start_), line.data(), line.size());
  used_ += line.size();
  ++lines_;
  return true;
}

bool ledger_writer::sent(const ledger_intent& intent) {
  if (!is_open())
    return true;
  line_ = R"({"send":)";
  append_number(line_, intent.number);
  append_text(line_, "kind", to_string(intent.kind));
  append_member(line_, "at_us", intent.at_us);
  if (intent.count > 0) {
    append_member(line_, "first", intent.first);
    append_member(line_, "count", intent.count);
  } else {
    append_text(line_, "user", intent.user);
    line_ += R"(,"placements":)";
    append_list(line_, intent.placements, [&](const std::string& p) { json::append_quoted(line_, p); });
    if (!intent.request_id.empty())
      append_text(line_, "request_id", intent.request_id);
  }
  line_ += "}\n";
  return append(line_);
}

bool ledger_writer::answered(const ledger_outcome& outcome) {
  if (!is_open())
    return true;
  line_ = R"({"got":)";
  append_number(line_, outcome.number);
  append_member(line_, "at_us", outcome.at_us);
  append_member(line_, "status", outcome.status);
  if (!outcome.lost.empty())
    append_text(line_, "lost", outcome.lost);
  if (outcome.decide) {
    append_decide(line_, *outcome.decide);
    line_ += R"(,"digest":")";
    append_number(line_, outcome.digest, 16);
    line_.push_back('"');
  }
  if (outcome.events)
    append_events(line_, *outcome.events);
  line_ += "}\n";
  return append(line_);
}

bool ledger_writer::close() {
  if (!is_open())
    return true;
  bool written = problem_.empty() && append(R"({"end":)" + std::to_string(lines_ + 1) + "}\n");
  if (map_)
    munmap(map_, map_bytes_);
  map_ = nullptr;
  if (ftruncate(fd_, static_cast<off_t>(used_)) != 0)
    written = fail("cannot cut to its length", errno);
  if (::close(std::exchange(fd_, -1)) != 0)
    written = fail("cannot close", errno);
  return written;
}

} // namespace beckon::load
