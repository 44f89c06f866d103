#pragma once

#include "config/configuration.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace prometheus {
class Registry;
}

/// The log: one line an occurrence on standard error, each with time, level, message and named values.
namespace beckon::apps {

enum class log_level : uint8_t { debug, info, warn, error };

/// The value of a field: a text, or a whole number, which a JSON line writes as one.
struct log_value {
  log_value(std::string value) : text(std::move(value)) {}
  log_value(const char* value) : text(value) {}
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  log_value(T value) : text(std::to_string(value)), is_number(true) {}

  std::string text;
  bool is_number = false;
};

using log_fields = std::initializer_list<std::pair<std::string_view, log_value>>;

/// Sets level and format (log.level, log.format) for this process, also for lines written through spdlog
/// directly. Call once, before there are other threads.
void start_logging(const config::configuration& cfg);

/// From here on a thread of its own writes the lines, so that whoever logs never waits for standard error:
/// log_queue.hpp tells the bounds. Also flushes when a signal of a crash comes. Call once, in a process that
/// does not fork afterwards, when its signals are blocked.
void write_log_aside();

/// Waits until everything is written, for a second at most. Call before the process ends. Threadsafe.
void flush_log();

/// Counts the lines that are dropped as beckon_log_dropped_total, those of before included.
void count_dropped_lines(std::shared_ptr<prometheus::Registry> registry);

/// Writes one line. Threadsafe. Blocks: as long as standard error does, until write_log_aside().
void log_line(log_level level, std::string_view message, log_fields fields = {});

/// One line as it is written, without the newline, for the given time. `payload` is the message with its
/// fields as log_line joins them; bytes that could forge a line or break a terminal are escaped.
std::string format_text(int64_t unix_ms, std::string_view level, std::string_view payload);
std::string format_json(int64_t unix_ms, std::string_view level, std::string_view payload);

/// The message and its fields in one text.
std::string join_fields(std::string_view message, log_fields fields);

} // namespace beckon::apps
