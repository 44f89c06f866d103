#include "actors/node/node.hpp"

#include "actors/api/routes.hpp"
#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"
#include "actors/members/open_cluster.hpp"
#include "actors/node/configured_options.hpp"
#include "actors/node/node_scheduler.hpp"
#include "actors/node/open_store.hpp"
#include "actors/node/supervisor.hpp"
#include "base/address_text.hpp"
#include "base/clock.hpp"
#include "peers/peer_transport.hpp"
#include "storage/sqlite/outbox.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <unistd.h>
#include <utility>

namespace beckon::actors {

namespace {

/// The store may need this long to open, migrate and load on a start.
constexpr std::chrono::milliseconds start_wait_max{60000};
constexpr std::chrono::milliseconds start_look{200};

net::http_options http_options_from(const config::configuration& cfg) {
  auto size = [&cfg](const char* key) { return static_cast<size_t>(cfg.integer(key)); };
  net::http_options o;
  o.address = cfg.text("http.address");
  o.port = static_cast<uint16_t>(cfg.integer("http.port"));
  o.backlog = static_cast<int>(cfg.integer("http.backlog"));
  o.reuse_port = cfg.boolean("http.reuse-port");
  o.parser.request_line_bytes_max = size("limits.request-line-bytes-max");
  o.parser.header_bytes_max = size("limits.header-bytes-max");
  o.parser.header_fields_max = size("limits.header-fields-max");
  o.parser.body_bytes_max = size("limits.body-bytes-max");
  o.connections_max = size("limits.connections-max");
  o.pipeline_depth_max = size("limits.pipeline-depth-max");
  o.requests_in_flight_max = size("limits.requests-in-flight-max");
  o.inline_requests_max = size("http.inline-requests-max");
  o.inline_body_bytes_max = size("http.inline-body-bytes-max");
  o.inline_turn_us = cfg.integer("http.inline-turn-us");
  o.request_bytes_in_flight_max = size("limits.request-bytes-in-flight-max");
  o.output_bytes_max = size("limits.output-bytes-max");
  o.stream_piece_bytes_max = size("limits.stream-piece-bytes-max");
  o.header_timeout_ms = cfg.integer("http.header-timeout-ms");
  o.body_timeout_ms = cfg.integer("http.body-timeout-ms");
  o.body_rate_bytes_per_s_min = cfg.integer("http.body-rate-min");
  o.idle_timeout_ms = cfg.integer("http.idle-timeout-ms");
  o.write_timeout_ms = cfg.integer("http.write-timeout-ms");
  o.linger_ms = cfg.integer("http.linger-ms");
  o.request_deadline_ms = cfg.integer("http.request-deadline-ms");
  return o;
}

/// The outbox of this node, or null if events go straight to the store.
caf::expected<storage::outbox_ptr> open_outbox(const config::configuration& cfg) {
  const auto& events = cfg.text("durability.events");
  auto wanted = events == "outbox" || (events == "auto" && cfg.text("storage.backend") == "mysql");
  if (!wanted)
    return storage::outbox_ptr{};
  storage::outbox_options o;
  o.path = cfg.text("node.data-dir") + "/outbox.db";
  o.bytes_max = cfg.integer("outbox.bytes-max");
  o.busy_timeout_ms = cfg.integer("sqlite.busy-timeout-ms");
  auto opened = storage::open_outbox(o);
  if (!opened)
    return std::move(opened.error());
  if (!opened->kept_aside.empty())
    spdlog::error("outbox: {}; events in it were acknowledged but are not in the store: look at the file",
                  opened->kept_aside);
  return opened->box;
}

class running_node : public node {
 public:
  running_node(caf::actor_system& system, node_context_ptr context)
      : system_(system), context_(std::move(context)) {}

  ~running_node() override { stop(); }

  caf::error open(const config::configuration& cfg, const additions& added, const node_sockets& sockets,
                  const std::function<bool()>& give_up) {
    grace_ms_ = cfg.integer("node.grace-ms");
    // The port first: a port in use is the most likely mistake, and nothing else has started yet.
    std::vector<front> fronts;
    auto err = listen(cfg, sockets, fronts);
    if (!err)
      err = start_actors(cfg, added, sockets);
    if (!err)
      err = wait_for_start(give_up);
    if (err) {
      for (const auto& f : fronts)
        ::close(f.listening.fd);
      stop_actors();
      return err;
    }
    auto table = make_routes(context_);
    for (const auto& extend : added.extensions)
      for (auto& r : extend(context_))
        table.push_back(std::move(r));
    for (auto& f : fronts)
      brokers_.push_back(net::spawn_http_broker(system_, f.listening, std::move(f.options), table,
                                                brokers_.empty() ? context_->metrics->registry() : nullptr));
    return {};
  }

  const std::string& address() const override { return address_; }
  uint16_t port() const override { return port_; }
  std::string store_description() const override { return store_ ? store_->describe() : std::string{}; }
  uint64_t events_waiting() const override { return context_->outbox ? context_->outbox->depth().events : 0; }
  std::shared_ptr<prometheus::Registry> registry() const override { return context_->metrics->registry(); }

  void on_change(std::function<void()> hear) override { context_->health.bell.add(std::move(hear)); }

  bool drain_asked() const override { return context_->cluster && context_->cluster->drain_asked; }
  std::string fatal_reason() const override { return context_->health.fatal_reason(); }

  uint64_t stop() override {
    if (stopped_)
      return cut_off_;
    stopped_ = true;
    context_->health.draining = true;
    if (!brokers_.empty())
      drain();
    stop_actors();
    context_->publish(nullptr);
    return cut_off_;
  }

 private:
  struct front {
    net::http_options options;
    net::listener listening;
  };

  /// The sockets of all fronts; after an error, those opened before it.
  caf::error listen(const config::configuration& cfg, const node_sockets& sockets,
                    std::vector<front>& fronts) {
    if (sockets.none)
      return {};
    for (int fd : {sockets.shared, sockets.own}) {
      if (fd < 0 && !fronts.empty())
        break;
      auto options = http_options_from(cfg);
      options.inherited_fd = fd;
      if (!fronts.empty()) {
        options.connections_max = std::min(options.connections_max, own_port_connections_max);
        options.requests_in_flight_max = std::min(options.requests_in_flight_max, own_port_connections_max);
      }
      auto listening = net::open_listener(options);
      if (!listening)
        return std::move(listening.error());
      fronts.push_back({std::move(options), std::move(*listening)});
    }
    address_ = fronts.front().listening.address;
    port_ = fronts.front().listening.port;
    return {};
  }

  caf::error start_actors(const config::configuration& cfg, const additions& added,
                          const node_sockets& sockets) {
    auto store = open_store(cfg);
    if (!store)
      return std::move(store.error());
    store_ = added.wrap_store ? added.wrap_store(std::move(*store)) : std::move(*store);
    context_->store = store_;
    auto outbox = open_outbox(cfg);
    if (!outbox)
      return std::move(outbox.error());
    context_->outbox = std::move(*outbox);
    // A process that only ships another's outbox writes itself: versions keep that correct, and no shard
    // moves for it.
    if (cfg.text("storage.backend") == "mysql" && !sockets.none)
      if (auto err = open_cluster(system_, cfg, http_url(), context_))
        return err;
    supervisor_ = system_.spawn(supervisor, context_, store_);
    // Nobody restarts the supervisor: without it nothing else would be restarted.
    caf::actor_cast<caf::strong_actor_ptr>(supervisor_)
        ->get()
        ->attach_functor([node = context_](const caf::error&) {
          if (!node->health.draining)
            node->health.fail("the supervisor died");
        });
    return {};
  }

  std::string http_url() const { return "http://" + base::host_and_port(address_, port_); }

  caf::error wait_for_start(const std::function<bool()>& give_up) {
    caf::scoped_actor self{system_};
    for (auto until_ms = base::steady_ms() + start_wait_max.count();;) {
      caf::error failed;
      self->request(supervisor_, start_look, start_atom::value)
          .receive([](start_atom) {}, [&](caf::error& e) { failed = std::move(e); });
      if (!failed)
        return {};
      if (context_->cluster && context_->cluster->refused)
        return caf::make_error(caf::sec::runtime_error, why_not_ready());
      if (give_up && give_up())
        return caf::make_error(caf::sec::runtime_error, "the node was stopped before it was ready");
      if (failed != caf::sec::request_timeout || base::steady_ms() >= until_ms)
        return caf::make_error(caf::sec::runtime_error, why_not_ready());
    }
  }

  std::string why_not_ready() const {
    if (auto fault = context_->health.store.fault(); !fault.empty())
      return fault;
    const auto* cluster = context_->cluster.get();
    if (!cluster)
      return "the store did not answer in time";
    if (auto fault = cluster->fault(); !fault.empty())
      return fault;
    if (!cluster->active)
      return "it could not join the cluster: a node needs a link to each other one; the log says which "
             "cannot be reached, and \"beckon nodes\" lists the members";
    if (auto without = cluster->shards_unreachable.load(); without > 0)
      return std::to_string(without)
             + " shards have no owner, or one that cannot be reached; see \"beckon nodes\"";
    return "the store did not answer in time";
  }

  void drain() {
    caf::scoped_actor self{system_};
    auto wait = std::chrono::milliseconds{grace_ms_} + std::chrono::seconds{5};
    auto ask = [&](const net::http_broker_actor& broker) {
      return self->request(broker, wait, net::drain_atom::value, static_cast<uint32_t>(grace_ms_));
    };
    std::vector<decltype(ask(brokers_.front()))> asked;
    for (const auto& broker : brokers_)
      asked.push_back(ask(broker));
    for (auto& answer : asked)
      answer.receive([this](uint64_t cut) { cut_off_ += cut; }, [this](const caf::error&) { ++cut_off_; });
    brokers_.clear();
  }

  void stop_actors() {
    if (!supervisor_) {
      close_cluster(context_);
      return;
    }
    caf::scoped_actor self{system_};
    // Shards, outbox and writers have their own time limits, and so has leaving the cluster.
    auto wait = 3 * std::chrono::milliseconds{grace_ms_} + std::chrono::seconds{15};
    self->request(supervisor_, wait, stop_atom::value)
        .receive([](stop_atom) {},
                 [this](const caf::error&) { context_->health.fail("the actors did not stop in time"); });
    supervisor_ = nullptr;
    close_cluster(context_);
  }

  caf::actor_system& system_;
  node_context_ptr context_;
  storage::store_ptr store_;
  supervisor_actor supervisor_;
  std::vector<net::http_broker_actor> brokers_;
  std::string address_;
  uint16_t port_ = 0;
  int64_t grace_ms_ = 10000;
  bool stopped_ = false;
  uint64_t cut_off_ = 0;
};

} // namespace

void prepare_system(caf::actor_system_config& target, const config::configuration& cfg) {
  target.add_message_types<caf::id_block::beckon_net>();
  target.add_message_types<caf::id_block::beckon_actors>();
  target.add_message_types<caf::id_block::beckon_cluster>();
  peers::prepare_transport(target);
  target.load<caf::io::middleman>();
  auto threads = static_cast<size_t>(cfg.integer("node.threads"));
  if (threads == 0)
    threads = std::max(1U, std::thread::hardware_concurrency());
  target.load<node_scheduler>();
  target.set("scheduler.max-threads", threads);
  target.set("scheduler.max-throughput", size_t{64});
  target.set("middleman.max-consecutive-reads", size_t{1});
}

caf::expected<std::unique_ptr<node>> node::start(caf::actor_system& system, const config::configuration& cfg,
                                                 const additions& added, const node_sockets& sockets,
                                                 const std::function<bool()>& give_up) {
  auto context = std::make_shared<node_context>();
  context->options = options_from(cfg);
  context->metrics = std::make_shared<node_metrics>(std::make_shared<prometheus::Registry>());
  context->now_ms = &base::unix_ms;
  auto running = std::make_unique<running_node>(system, std::move(context));
  if (auto err = running->open(cfg, added, sockets, give_up))
    return err;
  return std::unique_ptr<node>{std::move(running)};
}

} // namespace beckon::actors
