#include "bench/load/ledger_writer.hpp"

#include "json/writer.hpp"

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

void write_decide(json::writer& out, const decide_answer& d) {
  out.member("decision", d.decision).member("catalog", d.catalog);
  if (d.next_ms)
    out.member("next_ms", *d.next_ms);
  if (d.promises)
    out.member("promise", true);
  if (d.unavailable)
    out.member("unavailable", true);
  if (d.shown.empty())
    return;
  out.key("shown").begin_array();
  for (const auto& s : d.shown)
    out.begin_array().string(s.placement).string(s.popup).number(s.revision).end_array();
  out.end_array();
}

void write_events(json::writer& out, const events_answer& e) {
  out.member("accepted", e.accepted).member("duplicates", e.duplicates);
  if (e.rejected.empty())
    return;
  out.key("rejected").begin_array();
  for (auto index : e.rejected)
    out.number(index);
  out.end_array();
}

std::string begin_line(const ledger_begin& begin) {
  std::string out;
  json::writer w{out};
  w.begin_object().member("ledger", 1).member("run", begin.run).member("thread", begin.thread);
  w.member("at_us", begin.at_us).member("seed", begin.seed);
  if (begin.shows_before) {
    w.key("shows_before").begin_object();
    for (const auto& [popup, shows] : *begin.shows_before)
      w.member(popup, shows);
    w.end_object();
  }
  w.end_object();
  return out + '\n';
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
  line_.clear();
  json::writer w{line_};
  w.begin_object().member("send", intent.number).member("kind", to_string(intent.kind));
  w.member("at_us", intent.at_us);
  if (intent.count > 0) {
    w.member("first", intent.first).member("count", intent.count);
  } else {
    w.member("user", intent.user).key("placements").begin_array();
    for (const auto& placement : intent.placements)
      w.string(placement);
    w.end_array();
    if (!intent.request_id.empty())
      w.member("request_id", intent.request_id);
  }
  w.end_object();
  line_ += '\n';
  return append(line_);
}

bool ledger_writer::answered(const ledger_outcome& outcome) {
  if (!is_open())
    return true;
  line_.clear();
  json::writer w{line_};
  w.begin_object()
      .member("got", outcome.number)
      .member("at_us", outcome.at_us)
      .member("status", outcome.status);
  if (!outcome.lost.empty())
    w.member("lost", outcome.lost);
  if (outcome.decide) {
    write_decide(w, *outcome.decide);
    char digest[16];
    auto end = std::to_chars(digest, digest + sizeof(digest), outcome.digest, 16).ptr;
    w.member("digest", std::string_view(digest, static_cast<size_t>(end - digest)));
  }
  if (outcome.events)
    write_events(w, *outcome.events);
  w.end_object();
  line_ += '\n';
  return append(line_);
}

bool ledger_writer::close() {
  if (!is_open())
    return true;
  line_.clear();
  json::writer{line_}.begin_object().member("end", lines_ + 1).end_object();
  line_ += '\n';
  bool written = problem_.empty() && append(line_);
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
