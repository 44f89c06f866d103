#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
} // namespace prometheus

namespace beckon::net {

/// The front's metrics. The I/O thread counts in plain integers and publish() hands them to the registry, so
/// a request costs no atomic operation. Each counter without a route is 0 from the start. Runs on: I/O
/// thread. Blocks: no. Bounds: one series per route and status seen.
class http_metrics {
 public:
  /// A total that only grows.
  struct total {
    uint64_t value = 0;
    uint64_t published = 0;
    prometheus::Counter* out = nullptr;
    void operator++() { ++value; }
    void operator+=(uint64_t n) { value += n; }
  };

  enum class timeout : uint8_t { header, body, idle, write, linger, deadline, stream };
  enum class refusal : uint8_t { descriptors, memory, connections };
  enum class overload : uint8_t { requests, request_bytes };

  /// `routes`: the pattern of each route, in table order. A null registry counts and publishes nothing.
  http_metrics(std::shared_ptr<prometheus::Registry> registry, std::vector<std::string> routes);
  ~http_metrics();

  /// Stands for every request that matched no route.
  size_t no_route() const { return routes_.size() - 1; }
  void answered(size_t route, uint16_t status, int64_t duration_us);
  void parse_failure(uint16_t status);
  void timed_out(timeout kind) { ++timeouts_[static_cast<size_t>(kind)]; }
  void refused(refusal reason) { ++refusals_[static_cast<size_t>(reason)]; }
  void overloaded(overload bound) { ++overloads_[static_cast<size_t>(bound)]; }
  void publish();

  total connections_opened;
  total late_answers;
  total spawn_failures;
  total received_bytes;
  total sent_bytes;
  uint64_t connections = 0;
  uint64_t requests_in_flight = 0;
  uint64_t request_bytes = 0;

 private:
  static constexpr size_t bounds_count = 14;
  struct by_status {
    uint16_t status = 0;
    total count;
  };
  struct route_figures {
    std::string pattern;
    std::vector<by_status> statuses;
    std::array<uint32_t, bounds_count + 1> buckets{}; // since the last publish()
    int64_t sum_us = 0;
    prometheus::Histogram* duration = nullptr;
  };
  struct families;

  void count_failures_from_zero();
  static total& of(std::vector<by_status>& list, uint16_t status);
  void publish_route(route_figures& r);

  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<families> families_; // null without a registry
  std::vector<route_figures> routes_;  // the last one: no route
  std::vector<by_status> parse_failures_;
  std::array<total, 7> timeouts_;
  std::array<total, 3> refusals_;
  std::array<total, 2> overloads_;
};

} // namespace beckon::net
