#pragma once

#include "bench/load/histogram.hpp"
#include "bench/load/mix.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

/// Request errors, from the client's side.
enum class fault : uint8_t {
  lost,        // the connection ended before the answer was complete
  timed_out,   // no complete answer within the time-out
  refused_4xx, // the request itself is refused: the mix does not fit the node
  refused_5xx, // the node cannot take it now
  wrong,       // an answer that is not what the API promises
  unavailable, // 200, and a placement is UNAVAILABLE
};
constexpr size_t fault_count = 6;
std::string_view to_string(fault f);

/// The figures of one kind of request.
struct kind_figures {
  uint64_t answered = 0; // 200 and 202
  std::array<uint64_t, fault_count> faults{};
  histogram latency; // of those answered 200 or 202, from the due time
};

/// The counts of one thread, or of all together.
struct figures {
  std::array<kind_figures, kind_count> kinds;
  std::map<int, uint64_t> statuses;
  uint64_t not_sent = 0;        // no connection was free within the time-out after the due time
  uint64_t shows = 0;           // popups in answers
  uint64_t events_accepted = 0; // by answers 202
  uint64_t events_duplicate = 0;
  uint64_t events_rejected = 0;
  uint64_t connects = 0;
  uint64_t connect_failures = 0;
  uint64_t given_up = 0;      // unanswered batches that were not sent again
  histogram lag;              // how late a request left although a connection was free: the generator's fault
  int64_t last_answer_ns = 0; // since the start
  int64_t cpu_ns = 0;         // of the generator's threads
  int64_t waited_ns = 0;      // ready but without a core
  int64_t wall_ns = 0;        // summed over the threads
  std::vector<std::string> samples; // the first wrong or refused answers, at most samples_max
  std::string failure;              // why a thread stopped early; empty: it did not

  static constexpr size_t samples_max = 5;

  void add_sample(std::string text);
  void merge(const figures& other);
  uint64_t answered() const;
  uint64_t faults(fault f) const;
  uint64_t faults() const; // all of them, including requests not sent
};

/// The last second of a thread, for the live line.
struct window {
  histogram latency;
  uint64_t answered = 0;
  uint64_t faults = 0;
  uint64_t in_flight = 0; // at its end

  void merge(const window& other);
};

} // namespace beckon::load
