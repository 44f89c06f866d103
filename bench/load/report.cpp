#include "bench/load/report.hpp"

#include "json/json.hpp"

#include <cstdarg>
#include <cstdio>

namespace beckon::load {

namespace {

constexpr double ms = 1e6; // nanoseconds
constexpr double late_ns = 5 * ms;
constexpr double busy_max = 0.9;

__attribute__((format(printf, 1, 2))) std::string format(const char* form, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, form);
  // The analyser does not know what va_start does here. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
  std::vsnprintf(text, sizeof(text), form, arguments);
  va_end(arguments);
  return text;
}

double quantile_ms(const histogram& h, double share) {
  return static_cast<double>(h.quantile_ns(share)) / ms;
}

double per_second(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string kind_row(const char* name, const kind_figures& k, double seconds) {
  uint64_t faults = 0;
  for (auto count : k.faults)
    faults += count;
  auto max_ms = static_cast<double>(k.latency.max_ns()) / ms;
  return format("%-12s %11llu %10.0f %9.2f %9.2f %9.2f %9.2f %9.2f %8llu\n", name,
                static_cast<unsigned long long>(k.answered), per_second(k.answered, seconds),
                quantile_ms(k.latency, 0.5), quantile_ms(k.latency, 0.9), quantile_ms(k.latency, 0.99),
                quantile_ms(k.latency, 0.999), max_ms, static_cast<unsigned long long>(faults));
}

std::string fault_rows(const figures& f) {
  std::string out = "errors      ";
  if (f.faults() == 0)
    return out + " none\n";
  if (f.not_sent > 0)
    out += format(" not sent %llu (no connection in time)", static_cast<unsigned long long>(f.not_sent));
  for (size_t i = 0; i < fault_count; ++i) {
    auto what = static_cast<fault>(i);
    if (auto count = f.faults(what))
      out += format(" %s %llu", std::string{to_string(what)}.c_str(), static_cast<unsigned long long>(count));
  }
  out += '\n';
  for (const auto& sample : f.samples)
    out += "  e.g. " + sample + '\n';
  return out;
}

kind_figures sum_of(const figures& f) {
  kind_figures sum;
  for (const auto& k : f.kinds) {
    sum.answered += k.answered;
    sum.latency.merge(k.latency);
    for (size_t i = 0; i < fault_count; ++i)
      sum.faults[i] += k.faults[i];
  }
  return sum;
}

void add_kind(std::string& out, std::string_view name, const kind_figures& k, double seconds) {
  json::append_quoted(out, name);
  out += format(":{\"answered\":%llu,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,"
                "\"p999_ms\":%.3f,\"max_ms\":%.3f,\"errors\":{",
                static_cast<unsigned long long>(k.answered), per_second(k.answered, seconds),
                quantile_ms(k.latency, 0.5), quantile_ms(k.latency, 0.9), quantile_ms(k.latency, 0.99),
                quantile_ms(k.latency, 0.999), static_cast<double>(k.latency.max_ns()) / ms);
  for (size_t i = 0; i < fault_count; ++i) {
    json::append_quoted(out, to_string(static_cast<fault>(i)));
    out += format(":%llu%s", static_cast<unsigned long long>(k.faults[i]), i + 1 < fault_count ? "," : "}}");
  }
}

void add_number(std::string& out, const char* name, uint64_t value) {
  out += format(",\"%s\":%llu", name, static_cast<unsigned long long>(value));
}

} // namespace

std::string progress_line(const window& last, double seconds, double left_s) {
  return format("%8.0f/s  p50 %.2f ms  p99 %.2f ms  %llu errors  %llu in flight  %.0f s left",
                per_second(last.answered, seconds), quantile_ms(last.latency, 0.5),
                quantile_ms(last.latency, 0.99), static_cast<unsigned long long>(last.faults),
                static_cast<unsigned long long>(last.in_flight), left_s > 0 ? left_s : 0.0);
}

std::string run_table(const figures& f, double seconds) {
  auto out = format("%-12s %11s %10s %9s %9s %9s %9s %9s %8s\n", "", "answered", "per s", "p50 ms", "p90 ms",
                    "p99 ms", "p99.9 ms", "max ms", "errors");
  for (size_t i = 0; i < kind_count; ++i) {
    const auto& k = f.kinds[i];
    bool any = k.answered > 0;
    for (auto count : k.faults)
      any = any || count > 0;
    if (any)
      out += kind_row(std::string{to_string(static_cast<kind>(i))}.c_str(), k, seconds);
  }
  out += kind_row("all", sum_of(f), seconds);
  out += fault_rows(f);
  out += format(
      "events       %llu accepted (%.0f/s), %llu duplicates, %llu rejected, %llu batches without an answer\n",
      static_cast<unsigned long long>(f.events_accepted), per_second(f.events_accepted, seconds),
      static_cast<unsigned long long>(f.events_duplicate), static_cast<unsigned long long>(f.events_rejected),
      static_cast<unsigned long long>(f.given_up));
  out += format("popups       %llu shown (%.0f/s)\n", static_cast<unsigned long long>(f.shows),
                per_second(f.shows, seconds));
  out += format("connections  %llu made, %llu failed\n", static_cast<unsigned long long>(f.connects),
                static_cast<unsigned long long>(f.connect_failures));
  out += format(
      "generator    late by itself p50 %.2f p99 %.2f max %.2f ms, %.0f %% of its threads' time on a core, "
      "%.0f %% waiting for one\n",
      quantile_ms(f.lag, 0.5), quantile_ms(f.lag, 0.99), static_cast<double>(f.lag.max_ns()) / ms,
      share(f.cpu_ns, f.wall_ns) * 100, share(f.waited_ns, f.wall_ns) * 100);
  return out;
}

std::string generator_warning(const figures& f, bool closed_loop) {
  std::string why;
  if (!closed_loop && static_cast<double>(f.lag.quantile_ns(0.99)) > late_ns)
    why = format(
        "one request in a hundred left %.1f ms or more after a connection for it was free and it was due",
        quantile_ms(f.lag, 0.99));
  else if (!closed_loop && share(f.cpu_ns, f.wall_ns) > busy_max)
    why = format("its threads were busy %.0f %% of the time", share(f.cpu_ns, f.wall_ns) * 100);
  if (why.empty())
    return {};
  return "WARNING: the generator did not keep up: " + why
         + ".\n         These are its figures and not the node's. Lower --rate, raise --threads, or free a "
           "core.\n";
}

std::string run_json(const run_options& options, const std::string& run, const figures& f, double seconds) {
  std::string out = R"({"run":)";
  json::append_quoted(out, run);
  add_number(out, "rate", options.rate);
  add_number(out, "connections", options.connections);
  add_number(out, "threads", options.threads);
  add_number(out, "seed", options.seed);
  out += format(",\"seconds\":%.3f,\"kinds\":{", seconds);
  for (size_t i = 0; i < kind_count; ++i) {
    add_kind(out, to_string(static_cast<kind>(i)), f.kinds[i], seconds);
    out += ',';
  }
  add_kind(out, "all", sum_of(f), seconds);
  out += "},\"statuses\":{";
  bool first = true;
  for (auto [status, count] : f.statuses) {
    out += format("%s\"%d\":%llu", first ? "" : ",", status, static_cast<unsigned long long>(count));
    first = false;
  }
  out += '}';
  add_number(out, "errors", f.faults());
  add_number(out, "not_sent", f.not_sent);
  add_number(out, "shows", f.shows);
  add_number(out, "events_accepted", f.events_accepted);
  add_number(out, "events_duplicate", f.events_duplicate);
  add_number(out, "events_rejected", f.events_rejected);
  add_number(out, "batches_unanswered", f.given_up);
  add_number(out, "connects", f.connects);
  add_number(out, "connect_failures", f.connect_failures);
  out += format(",\"generator\":{\"lag_p99_ms\":%.3f,\"lag_max_ms\":%.3f,\"busy\":%.3f,\"waiting\":%.3f,"
                "\"kept_up\":%s}",
                quantile_ms(f.lag, 0.99), static_cast<double>(f.lag.max_ns()) / ms,
                share(f.cpu_ns, f.wall_ns), share(f.waited_ns, f.wall_ns),
                generator_warning(f, options.rate == 0).empty() ? "true" : "false");
  out += ",\"samples\":[";
  for (size_t i = 0; i < f.samples.size(); ++i) {
    out += i == 0 ? "" : ",";
    json::append_quoted(out, f.samples[i]);
  }
  out += "]}\n";
  return out;
}

} // namespace beckon::load
