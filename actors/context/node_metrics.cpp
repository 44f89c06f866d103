#include "actors/context/node_metrics.hpp"

#include "actors/context/store_metrics.hpp"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <vector>

namespace beckon::actors {

namespace pm = prometheus;

/// Sums the shards' counters into metric families at collection time.
class node_metrics::shard_sums : public pm::Collectable {
 public:
  explicit shard_sums(const shard_array& shards) : shards_(shards) {}

  std::vector<pm::MetricFamily> Collect() const override {
    std::vector<pm::MetricFamily> out;
    counter(out, "beckon_user_cache_hits_total", "Asks whose user was in the cache", &shard_counters::hits);
    counter(out, "beckon_user_cache_misses_total", "Asks that had to load their user",
            &shard_counters::misses);
    counter(out, "beckon_user_cache_evictions_total", "Users dropped to make room",
            &shard_counters::evictions);
    counter(out, "beckon_claims_total", "Durable claims: answers with a popup", &shard_counters::claims);
    counter(out, "beckon_claim_conflicts_total", "Claims decided again because the stored state had moved on",
            &shard_counters::conflicts);
    counter(out, "beckon_replays_total", "Answers repeated for a request id", &shard_counters::replays);
    gauge(out, "beckon_cached_users", "Users in the cache", &shard_counters::users);
    gauge(out, "beckon_shard_waiting", "Asks that wait for the store", &shard_counters::waiting);
    out.push_back(mailboxes());
    out.push_back(decisions());
    return out;
  }

 private:
  using field = owned_counter shard_counters::*;

  double sum(field f) const {
    uint64_t n = 0;
    for (const auto& s : shards_)
      n += (s.*f).get();
    return static_cast<double>(n);
  }

  static pm::MetricFamily family(const char* name, const char* help, pm::MetricType type) {
    pm::MetricFamily f;
    f.name = name;
    f.help = help;
    f.type = type;
    return f;
  }

  void counter(std::vector<pm::MetricFamily>& out, const char* name, const char* help, field f) const {
    auto fam = family(name, help, pm::MetricType::Counter);
    fam.metric.resize(1);
    fam.metric[0].counter.value = sum(f);
    out.push_back(std::move(fam));
  }

  void gauge(std::vector<pm::MetricFamily>& out, const char* name, const char* help, field f) const {
    auto fam = family(name, help, pm::MetricType::Gauge);
    fam.metric.resize(1);
    fam.metric[0].gauge.value = sum(f);
    out.push_back(std::move(fam));
  }

  pm::MetricFamily mailboxes() const {
    auto fam = family("beckon_shard_mailbox_depth", "Asks in the shards' mailboxes", pm::MetricType::Gauge);
    uint64_t depth = 0;
    for (const auto& s : shards_) {
      auto taken = s.taken.get(); // first: a later `asked` can only be larger
      auto asked = s.asked.load(std::memory_order_relaxed);
      depth += asked > taken ? asked - taken : 0;
    }
    fam.metric.resize(1);
    fam.metric[0].gauge.value = static_cast<double>(depth);
    return fam;
  }

  pm::MetricFamily decisions() const {
    auto fam = family("beckon_decisions_total", "Placements decided, by reason", pm::MetricType::Counter);
    for (size_t r = 0; r < decision::reason_count; ++r) {
      uint64_t n = 0;
      for (const auto& s : shards_)
        n += s.reasons[r].get();
      pm::ClientMetric m;
      m.label.push_back({"reason", std::string{decision::to_string(static_cast<decision::reason>(r))}});
      m.counter.value = static_cast<double>(n);
      fam.metric.push_back(std::move(m));
    }
    return fam;
  }

  const shard_array& shards_;
};

namespace {

pm::Counter* make_counter(pm::Registry& r, const char* name, const char* help,
                          const pm::Labels& labels = {}) {
  return &pm::BuildCounter().Name(name).Help(help).Register(r).Add(labels);
}

pm::Gauge* make_gauge(pm::Registry& r, const char* name, const char* help, const pm::Labels& labels = {}) {
  return &pm::BuildGauge().Name(name).Help(help).Register(r).Add(labels);
}

pm::Histogram* make_histogram(pm::Registry& r, const char* name, const char* help, const pm::Labels& labels,
                              const pm::Histogram::BucketBoundaries& bounds) {
  return &pm::BuildHistogram().Name(name).Help(help).Register(r).Add(labels, bounds);
}

const char* label_of(work_class c) {
  switch (c) {
  case work_class::claims:
    return "claims";
  case work_class::events:
    return "events";
  case work_class::maintenance:
    return "maintenance";
  case work_class::users:
    return "users";
  case work_class::exports:
    return "exports";
  }
  return "";
}

/// `kind` is in the names: "write" or "read".
void add_classes(work_pool_metrics& m, pm::Registry& r, const std::string& kind, const pm::Labels& labels,
                 std::initializer_list<work_class> classes) {
  for (auto c : classes) {
    auto with_class = labels;
    with_class["class"] = label_of(c);
    auto& to = m.of(c);
    to.overloads =
        make_counter(r, ("beckon_" + kind + "_overloads_total").c_str(),
                     "Jobs refused because the queue was full or they waited too long", with_class);
    to.queue_jobs = make_gauge(r, ("beckon_" + kind + "_queue_jobs").c_str(), "Jobs that wait", with_class);
    to.queue_bytes =
        make_gauge(r, ("beckon_" + kind + "_queue_bytes").c_str(), "Bytes of the jobs that wait", with_class);
  }
}

work_pool_metrics make_write_pool(pm::Registry& r, const char* pool,
                                  std::initializer_list<work_class> classes) {
  const pm::Labels labels{{"pool", pool}};
  work_pool_metrics m;
  add_classes(m, r, "write", labels, classes);
  m.failures = make_counter(r, "beckon_write_failures_total", "Transactions that failed", labels);
  m.group_jobs = make_histogram(r, "beckon_group_commit_jobs", "Jobs in one transaction", labels,
                                {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024});
  m.group_seconds = make_histogram(r, "beckon_group_commit_seconds", "Duration of one transaction", labels,
                                   {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5});
  return m;
}

} // namespace

node_metrics::node_metrics(std::shared_ptr<pm::Registry> registry)
    : registry_(std::move(registry)),
      shards_(std::make_unique<shard_array>()),
      sums_(std::make_unique<shard_sums>(*shards_)) {
  auto& r = *registry_;
  const auto* events = "beckon_events_total";
  const auto* events_help = "Events by what became of them";
  events_accepted = make_counter(r, events, events_help, {{"outcome", "accepted"}});
  events_duplicate = make_counter(r, events, events_help, {{"outcome", "duplicate"}});
  events_rejected = make_counter(r, events, events_help, {{"outcome", "rejected"}});
  restarts = make_counter(r, "beckon_actor_restarts_total", "Actors started again after they died");
  erased_events = make_counter(r, "beckon_erased_events_total",
                               "Events of erased users that were deleted after their erasure");
  erasures_open = make_gauge(r, "beckon_erasures_open",
                             "Erased users whose events this node is deleting, at most 100 at a time");
  catalog_version = make_gauge(r, "beckon_catalog_version", "Version of the live catalogue");
  catalog_popups = make_gauge(r, "beckon_catalog_popups", "Popups in the catalogue, of every status");
  outbox_events = make_gauge(r, "beckon_outbox_events", "Events accepted and not yet in the store");
  outbox_bytes = make_gauge(r, "beckon_outbox_bytes", "Bytes of the events that wait in the outbox");
  outbox_age_seconds = make_gauge(r, "beckon_outbox_age_seconds", "How long the oldest event has waited");
  outbox_shipped =
      make_counter(r, "beckon_outbox_shipped_total", "Events shipped from the outbox to the store");
  outbox_refused =
      make_counter(r, "beckon_outbox_refused_total", "Batches that the store refused, kept aside");
  store_pool = make_write_pool(r, "store", {work_class::claims, work_class::events, work_class::maintenance});
  outbox_pool = make_write_pool(r, "outbox", {work_class::events});
  add_classes(read_pool, r, "read", {}, {work_class::users, work_class::exports});
  read_pool.failures = make_counter(r, "beckon_read_failures_total", "Reads that failed");
}

node_metrics::~node_metrics() = default;

std::string node_metrics::text(const storage::store_stats& store) const {
  auto families = registry_->Collect();
  for (auto& f : families_of(store))
    families.push_back(std::move(f));
  for (auto& f : sums_->Collect())
    families.push_back(std::move(f));
  return pm::TextSerializer{}.Serialize(families);
}

} // namespace beckon::actors
