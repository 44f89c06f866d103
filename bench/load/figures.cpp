#include "bench/load/figures.hpp"

#include <algorithm>

namespace beckon::load {

std::string_view to_string(fault f) {
  constexpr std::array<std::string_view, fault_count> names = {"lost", "timed out", "4xx",
                                                               "5xx",  "wrong",     "unavailable"};
  return names[static_cast<size_t>(f)];
}

void figures::add_sample(std::string text) {
  if (samples.size() < samples_max)
    samples.push_back(std::move(text));
}

void figures::merge(const figures& other) {
  for (size_t k = 0; k < kind_count; ++k) {
    kinds[k].answered += other.kinds[k].answered;
    for (size_t f = 0; f < fault_count; ++f)
      kinds[k].faults[f] += other.kinds[k].faults[f];
    kinds[k].latency.merge(other.kinds[k].latency);
  }
  for (auto [status, count] : other.statuses)
    statuses[status] += count;
  not_sent += other.not_sent;
  shows += other.shows;
  events_accepted += other.events_accepted;
  events_duplicate += other.events_duplicate;
  events_rejected += other.events_rejected;
  connects += other.connects;
  connect_failures += other.connect_failures;
  given_up += other.given_up;
  lag.merge(other.lag);
  last_answer_ns = std::max(last_answer_ns, other.last_answer_ns);
  cpu_ns += other.cpu_ns;
  waited_ns += other.waited_ns;
  wall_ns += other.wall_ns;
  for (const auto& sample : other.samples)
    add_sample(sample);
  if (failure.empty())
    failure = other.failure;
}

uint64_t figures::answered() const {
  uint64_t sum = 0;
  for (const auto& k : kinds)
    sum += k.answered;
  return sum;
}

uint64_t figures::faults(fault f) const {
  uint64_t sum = 0;
  for (const auto& k : kinds)
    sum += k.faults[static_cast<size_t>(f)];
  return sum;
}

uint64_t figures::faults() const {
  uint64_t sum = not_sent;
  for (size_t f = 0; f < fault_count; ++f)
    sum += faults(static_cast<fault>(f));
  return sum;
}

void window::merge(const window& other) {
  latency.merge(other.latency);
  answered += other.answered;
  faults += other.faults;
  in_flight += other.in_flight;
}

} // namespace beckon::load
