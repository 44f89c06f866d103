#include "actors/context/store_metrics.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace beckon::actors {

namespace pm = prometheus;

namespace {

using storage::pool_stats;
using storage::replica_stats;

struct pool_metric {
  const char* name;
  const char* help;
  pm::MetricType type;
  uint64_t pool_stats::*field;
};

constexpr auto gauge = pm::MetricType::Gauge;
constexpr auto counter = pm::MetricType::Counter;

constexpr pool_metric pool_metrics[] = {
    {"beckon_db_connections", "Connections to the database, open or being made", gauge, &pool_stats::open},
    {"beckon_db_connections_idle", "Of these, the ones that nobody uses", gauge, &pool_stats::idle},
    {"beckon_db_connections_size", "Connections that are kept open at most", gauge, &pool_stats::size_max},
    {"beckon_db_connections_overflow_max", "More of them at most while all are in use", gauge,
     &pool_stats::overflow_max},
    {"beckon_db_waiting", "Calls that wait for a connection now", gauge, &pool_stats::waiting},
    {"beckon_db_connects_total", "Connections made", counter, &pool_stats::opened},
    {"beckon_db_connect_failures_total", "Connections that could not be made", counter, &pool_stats::failed},
    {"beckon_db_recycled_total", "Connections replaced because of their age", counter, &pool_stats::recycled},
    {"beckon_db_pings_total", "Connections tried before they were used", counter, &pool_stats::pings},
    {"beckon_db_ping_failures_total", "Of these, the ones that were lost", counter,
     &pool_stats::ping_failures},
    {"beckon_db_waits_total", "Calls that found all connections in use", counter, &pool_stats::waits},
    {"beckon_db_wait_timeouts_total", "Calls that waited for a connection in vain", counter,
     &pool_stats::timeouts},
};

void add(pm::MetricFamily& to, const char* label, const std::string& name, double value) {
  auto& m = to.metric.emplace_back();
  m.label.push_back({label, name});
  (to.type == counter ? m.counter.value : m.gauge.value) = value;
}

pm::MetricFamily family(const char* name, const char* help, pm::MetricType type) {
  pm::MetricFamily f;
  f.name = name;
  f.help = help;
  f.type = type;
  return f;
}

} // namespace

std::vector<pm::MetricFamily> families_of(const storage::store_stats& stats) {
  std::vector<pm::MetricFamily> out;
  if (stats.pools.empty())
    return out;
  for (const auto& m : pool_metrics) {
    auto f = family(m.name, m.help, m.type);
    for (const auto& p : stats.pools)
      add(f, "database", p.database, static_cast<double>(p.*m.field));
    out.push_back(std::move(f));
  }
  if (stats.replicas.empty())
    return out;
  auto staleness = family("beckon_db_replica_staleness_seconds",
                          "The replica's data are no older; absent: nothing came through yet", gauge);
  auto used = family("beckon_db_replica_used", "1 while the replica is fresh enough to be read from", gauge);
  auto reads = family("beckon_db_replica_reads_total", "Reads that went to the replica", counter);
  auto failures = family("beckon_db_replica_failures_total",
                         "Reads that failed at the replica and were done by the primary", counter);
  for (const auto& r : stats.replicas) {
    add(failures, "replica", r.replica, static_cast<double>(r.failures));
    if (r.staleness_ms >= 0)
      add(staleness, "replica", r.replica, static_cast<double>(r.staleness_ms) / 1000);
    add(used, "replica", r.replica, r.used ? 1 : 0);
    add(reads, "replica", r.replica, static_cast<double>(r.reads));
  }
  out.push_back(std::move(staleness));
  out.push_back(std::move(used));
  out.push_back(std::move(reads));
  out.push_back(std::move(failures));
  return out;
}

} // namespace beckon::actors
