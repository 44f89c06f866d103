#include "bench/load/report.hpp"

#include "json/writer.hpp"

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

/// A number with so many digits behind its point.
void write_rounded(json::writer& out, std::string_view name, double value, int digits) {
  out.key(name).raw(format("%.*f", digits, value));
}

void write_kind(json::writer& out, std::string_view name, const kind_figures& k, double seconds) {
  out.key(name).begin_object().member("answered", k.answered);
  write_rounded(out, "per_second", per_second(k.answered, seconds), 1);
  write_rounded(out, "p50_ms", quantile_ms(k.latency, 0.5), 3);
  write_rounded(out, "p90_ms", quantile_ms(k.latency, 0.9), 3);
  write_rounded(out, "p99_ms", quantile_ms(k.latency, 0.99), 3);
  write_rounded(out, "p999_ms", quantile_ms(k.latency, 0.999), 3);
  write_rounded(out, "max_ms", static_cast<double>(k.latency.max_ns()) / ms, 3);
  out.key("errors").begin_object();
  for (size_t i = 0; i < fault_count; ++i)
    out.member(to_string(static_cast<fault>(i)), k.faults[i]);
  out.end_object().end_object();
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
  std::string out;
  json::writer w{out};
  w.begin_object().member("run", run).member("rate", options.rate).member("connections", options.connections);
  w.member("threads", options.threads).member("seed", options.seed);
  write_rounded(w, "seconds", seconds, 3);
  w.key("kinds").begin_object();
  for (size_t i = 0; i < kind_count; ++i)
    write_kind(w, to_string(static_cast<kind>(i)), f.kinds[i], seconds);
  write_kind(w, "all", sum_of(f), seconds);
  w.end_object().key("statuses").begin_object();
  for (auto [status, count] : f.statuses)
    w.member(std::to_string(status), count);
  w.end_object().member("errors", f.faults()).member("not_sent", f.not_sent).member("shows", f.shows);
  w.member("events_accepted", f.events_accepted).member("events_duplicate", f.events_duplicate);
  w.member("events_rejected", f.events_rejected).member("batches_unanswered", f.given_up);
  w.member("connects", f.connects).member("connect_failures", f.connect_failures);
  w.key("generator").begin_object();
  write_rounded(w, "lag_p99_ms", quantile_ms(f.lag, 0.99), 3);
  write_rounded(w, "lag_max_ms", static_cast<double>(f.lag.max_ns()) / ms, 3);
  write_rounded(w, "busy", share(f.cpu_ns, f.wall_ns), 3);
  write_rounded(w, "waiting", share(f.waited_ns, f.wall_ns), 3);
  w.member("kept_up", generator_warning(f, options.rate == 0).empty()).end_object();
  w.key("samples").begin_array();
  for (const auto& sample : f.samples)
    w.string(sample);
  w.end_array().end_object();
  return out + '\n';
}

} // namespace beckon::load
