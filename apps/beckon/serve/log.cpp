#include "apps/beckon/serve/log.hpp"

#include "apps/beckon/serve/log_queue.hpp"
#include "base/clock.hpp"
#include "json/json.hpp"
#include "json/time_text.hpp"
#include "json/writer.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <unistd.h>

namespace beckon::apps {

namespace {

// Fields travel through spdlog inside the message. No text of ours contains these bytes; in others they are
// escaped.
constexpr char field_mark = '\x1F';
constexpr char value_mark = '\x1E';
constexpr char number_mark = '\x1D'; // instead of value_mark, before a number

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  for (char c : text) {
    if (is_control(c))
      out.append("\\x").append(1, digits[static_cast<unsigned char>(c) >> 4]).append(1, digits[c & 15]);
    else
      out.push_back(c);
  }
}

/// The value of a text line: in quotes when it would not stand as one word.
void append_value(std::string& out, std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"=") == std::string_view::npos) {
    append_escaped(out, value);
    return;
  }
  out.push_back('"');
  for (char c : value) {
    if (c == '"' || c == '\\')
      out.push_back('\\');
    append_escaped(out, {&c, 1});
  }
  out.push_back('"');
}

/// Cuts off and returns what stands before the next mark.
std::string_view take_until(std::string_view& text, char mark) {
  auto end = text.find(mark);
  auto result = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return result;
}

struct field {
  std::string_view name;
  std::string_view value;
  bool is_number = false;
};

/// Cuts off and returns the next field.
field take_field(std::string_view& payload) {
  field result;
  result.value = take_until(payload, field_mark);
  auto mark = result.value.find_first_of(std::string{value_mark, number_mark});
  result.is_number = mark != std::string_view::npos && result.value[mark] == number_mark;
  result.name = take_until(result.value, result.is_number ? number_mark : value_mark);
  return result;
}

class line_formatter : public spdlog::formatter {
 public:
  using line_function = std::string (*)(int64_t, std::string_view, std::string_view);

  explicit line_formatter(line_function line) : line_(line) {}

  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& out) override {
    using std::chrono::milliseconds;
    auto at = std::chrono::duration_cast<milliseconds>(msg.time.time_since_epoch()).count();
    auto level = spdlog::level::to_string_view(msg.level);
    auto text = line_(
        at,
        level.data() == std::string_view{"warning"} ? "warn" : std::string_view{level.data(), level.size()},
        {msg.payload.data(), msg.payload.size()});
    text.push_back('\n');
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<formatter> clone() const override { return std::make_unique<line_formatter>(line_); }

 private:
  line_function line_;
};

/// Puts lines into the queue. The formatter keeps no state, so threads need not wait for one another.
class queue_sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit queue_sink(log_queue& queue) : queue_(queue) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t line;
    formatter_->format(msg, line);
    queue_.push({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  log_queue& queue_;
};

// Set by start_logging() and write_log_aside(), before there are other threads; never destroyed, since the
// queue's thread may be stuck in a write when the process ends.
line_formatter::line_function line_of = format_text;
log_queue* aside = nullptr;

std::string line_of_dropped(uint64_t lines) {
  return line_of(base::unix_ms(), "warn",
                 join_fields("lines of the log were dropped, because standard error did not take them",
                             {{"lines", lines}}))
         + "\n";
}

/// The queue's thread goes on while the one that crashed waits here. Only what a signal handler may do. The
/// signal is raised again for those that were sent from outside: returning from them would let the process go
/// on.
extern "C" void flush_at_crash(int number) {
  constexpr timespec pause{0, 1'000'000};
  for (int i = 0; i < 1000 && aside->unwritten() > 0; ++i)
    nanosleep(&pause, nullptr);
  raise(number);
}

void flush_when_it_crashes() {
  for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction present {};
    if (sigaction(number, nullptr, &present) != 0 || present.sa_handler != SIG_DFL)
      continue; // a sanitizer's
    struct sigaction act {};
    act.sa_handler = flush_at_crash;
    act.sa_flags = static_cast<int>(SA_RESETHAND); // the next one ends the process
    sigaction(number, &act, nullptr);
  }
}

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warn:
    return spdlog::level::warn;
  case log_level::error:
    break;
  }
  return spdlog::level::err;
}

} // namespace

std::string join_fields(std::string_view message, log_fields fields) {
  std::string result{message};
  for (const auto& [name, value] : fields) {
    result.push_back(field_mark);
    result.append(name).push_back(value.is_number ? number_mark : value_mark);
    for (char c : value.text)
      result.push_back(c == field_mark || c == value_mark || c == number_mark ? ' ' : c);
  }
  return result;
}

std::string format_text(int64_t unix_ms, std::string_view level, std::string_view payload) {
  auto out = json::format_rfc3339(unix_ms);
  out.append(" ").append(level).append(level.size() < 5 ? 6 - level.size() : 1, ' ');
  append_escaped(out, take_until(payload, field_mark));
  while (!payload.empty()) {
    auto f = take_field(payload);
    out.append(" ").append(f.name).append("=");
    append_value(out, f.value);
  }
  return out;
}

/// Marks may also stand in what others sent, and then any text behind them.
bool is_whole_number(std::string_view text) {
  if (!text.empty() && text.front() == '-')
    text.remove_prefix(1);
  return !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string format_json(int64_t unix_ms, std::string_view level, std::string_view payload) {
  std::string out;
  json::writer w{out};
  w.begin_object().key("time").time(unix_ms).member("level", level);
  w.key("message").any_text(take_until(payload, field_mark));
  while (!payload.empty()) {
    auto f = take_field(payload);
    w.key(f.name);
    if (f.is_number && is_whole_number(f.value))
      w.raw(f.value);
    else
      w.any_text(f.value);
  }
  w.end_object();
  return out;
}

void start_logging(const config::configuration& cfg) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("beckon", std::move(sink));
  line_of = cfg.text("log.format") == "json" ? format_json : format_text;
  logger->set_formatter(std::make_unique<line_formatter>(line_of));
  logger->set_level(spdlog::level::from_str(cfg.text("log.level")));
  spdlog::set_default_logger(std::move(logger));
}

void write_log_aside() {
  aside = new log_queue(STDERR_FILENO, line_of_dropped);
  auto logger = std::make_shared<spdlog::logger>("beckon", std::make_shared<queue_sink>(*aside));
  logger->set_formatter(std::make_unique<line_formatter>(line_of));
  logger->set_level(spdlog::default_logger_raw()->level());
  spdlog::set_default_logger(std::move(logger));
  flush_when_it_crashes();
}

void flush_log() {
  if (aside)
    aside->flush(std::chrono::seconds{1});
}

void count_dropped_lines(std::shared_ptr<prometheus::Registry> registry) {
  if (aside)
    aside->count_in(std::move(registry));
}

void log_line(log_level level, std::string_view message, log_fields fields) {
  auto* logger = spdlog::default_logger_raw();
  if (auto l = to_spdlog(level); logger->should_log(l))
    logger->log(l, spdlog::string_view_t{join_fields(message, fields)});
}

} // namespace beckon::apps
