#include "net/http_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace beckon::net {

namespace {

// Upper bounds of the duration histogram; 70 ms is the project's promise.
constexpr std::array<int64_t, 14> bounds_us = {500,   1000,   2500,   5000,   10000,   25000,   50000,
                                               70000, 100000, 250000, 500000, 1000000, 2500000, 5000000};

constexpr std::array<const char*, 7> timeout_names = {"header", "body",     "idle",  "write",
                                                      "linger", "deadline", "stream"};
constexpr std::array<const char*, 2> overload_names = {"requests_in_flight", "request_bytes_in_flight"};
// The parser's answers; any other status gets its series when it first occurs.
constexpr std::array<uint16_t, 7> parse_failure_statuses = {400, 413, 414, 417, 431, 501, 505};
constexpr std::array<const char*, 3> refusal_names = {"descriptors", "memory", "connections_max"};

prometheus::Histogram::BucketBoundaries bounds_s() {
  prometheus::Histogram::BucketBoundaries result;
  for (auto us : bounds_us)
    result.push_back(static_cast<double>(us) / 1e6);
  return result;
}

auto& counter_family(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

void publish_total(http_metrics::total& t) {
  if (t.out == nullptr || t.value == t.published)
    return;
  t.out->Increment(static_cast<double>(t.value - t.published));
  t.published = t.value;
}

} // namespace

struct http_metrics::families {
  explicit families(prometheus::Registry& r)
      : requests(counter_family(r, "beckon_http_requests_total", "Requests answered, by route and status")),
        parse_failures(counter_family(r, "beckon_http_parse_failures_total",
                                      "Requests refused before any handler saw them, by status")),
        timeouts(counter_family(r, "beckon_http_timeouts_total", "Time-outs, by what was waited for")),
        refusals(counter_family(r, "beckon_http_connections_refused_total",
                                "Times that a connection was refused or accepting halted, by reason")),
        overloads(counter_family(r, "beckon_http_requests_refused_total",
                                 "Requests answered 503 before any handler saw them, by the bound")),
        duration(prometheus::BuildHistogram()
                     .Name("beckon_http_request_duration_seconds")
                     .Help("From the complete request to the answer in the output buffer, by route")
                     .Register(r)),
        connections(prometheus::BuildGauge()
                        .Name("beckon_http_connections")
                        .Help("Open client connections")
                        .Register(r)
                        .Add({})),
        requests_in_flight(prometheus::BuildGauge()
                               .Name("beckon_http_requests_in_flight")
                               .Help("Requests that an actor is working on")
                               .Register(r)
                               .Add({})),
        request_bytes(prometheus::BuildGauge()
                          .Name("beckon_http_request_bytes_in_flight")
                          .Help("Bytes of request bodies that come in or that an actor works on")
                          .Register(r)
                          .Add({})) {}

  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Counter>& parse_failures;
  prometheus::Family<prometheus::Counter>& timeouts;
  prometheus::Family<prometheus::Counter>& refusals;
  prometheus::Family<prometheus::Counter>& overloads;
  prometheus::Family<prometheus::Histogram>& duration;
  prometheus::Gauge& connections;
  prometheus::Gauge& requests_in_flight;
  prometheus::Gauge& request_bytes;
};

http_metrics::http_metrics(std::shared_ptr<prometheus::Registry> registry, std::vector<std::string> routes)
    : registry_(std::move(registry)) {
  for (auto& pattern : routes)
    routes_.emplace_back().pattern = std::move(pattern);
  routes_.emplace_back().pattern = "none";
  if (!registry_)
    return;
  families_ = std::make_unique<families>(*registry_);
  auto single = [this](const char* name, const char* help) {
    return &counter_family(*registry_, name, help).Add({});
  };
  connections_opened.out = single("beckon_http_connections_total", "Client connections accepted");
  late_answers.out = single("beckon_http_late_answers_total",
                            "Answers dropped: the connection was gone, or it was the second");
  spawn_failures.out =
      single("beckon_http_spawn_failures_total", "Requests answered 500 because no actor could be started");
  received_bytes.out = single("beckon_http_received_bytes_total", "Bytes received from clients");
  sent_bytes.out = single("beckon_http_sent_bytes_total", "Bytes sent to clients");
  for (size_t i = 0; i < timeouts_.size(); ++i)
    timeouts_[i].out = &families_->timeouts.Add({{"kind", timeout_names[i]}});
  for (size_t i = 0; i < refusals_.size(); ++i)
    refusals_[i].out = &families_->refusals.Add({{"reason", refusal_names[i]}});
  for (size_t i = 0; i < overloads_.size(); ++i)
    overloads_[i].out = &families_->overloads.Add({{"reason", overload_names[i]}});
  count_failures_from_zero();
  publish();
}

http_metrics::~http_metrics() = default;

void http_metrics::count_failures_from_zero() {
  for (const auto status : parse_failure_statuses)
    of(parse_failures_, status);
}

http_metrics::total& http_metrics::of(std::vector<by_status>& list, uint16_t status) {
  for (auto& known : list)
    if (known.status == status)
      return known.count;
  auto& fresh = list.emplace_back();
  fresh.status = status;
  return fresh.count;
}

void http_metrics::answered(size_t route, uint16_t status, int64_t duration_us) {
  auto& r = routes_[route];
  ++of(r.statuses, status);
  const auto bucket = std::lower_bound(bounds_us.begin(), bounds_us.end(), duration_us) - bounds_us.begin();
  ++r.buckets[static_cast<size_t>(bucket)];
  r.sum_us += duration_us;
}

void http_metrics::parse_failure(uint16_t status) {
  ++of(parse_failures_, status);
}

void http_metrics::publish_route(route_figures& r) {
  bool any = false;
  for (auto& s : r.statuses) {
    any = any || s.count.value != s.count.published;
    if (s.count.out == nullptr)
      s.count.out = &families_->requests.Add({{"route", r.pattern}, {"status", std::to_string(s.status)}});
    publish_total(s.count);
  }
  if (!any)
    return;
  if (r.duration == nullptr)
    r.duration = &families_->duration.Add({{"route", r.pattern}}, bounds_s());
  r.duration->ObserveMultiple({r.buckets.begin(), r.buckets.end()}, static_cast<double>(r.sum_us) / 1e6);
  r.buckets.fill(0);
  r.sum_us = 0;
}

void http_metrics::publish() {
  if (!families_)
    return;
  for (auto& r : routes_)
    publish_route(r);
  for (auto& s : parse_failures_) {
    if (s.count.out == nullptr)
      s.count.out = &families_->parse_failures.Add({{"status", std::to_string(s.status)}});
    publish_total(s.count);
  }
  for (auto& t : timeouts_)
    publish_total(t);
  for (auto& t : refusals_)
    publish_total(t);
  for (auto& t : overloads_)
    publish_total(t);
  for (auto* t : {&connections_opened, &late_answers, &spawn_failures, &received_bytes, &sent_bytes})
    publish_total(*t);
  families_->connections.Set(static_cast<double>(connections));
  families_->requests_in_flight.Set(static_cast<double>(requests_in_flight));
  families_->request_bytes.Set(static_cast<double>(request_bytes));
}

} // namespace beckon::net
