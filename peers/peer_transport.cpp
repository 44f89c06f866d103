#include "peers/peer_transport.hpp"

#include "base/address_text.hpp"
#include "peers/node_identity.hpp"
#include "peers/peer_call.hpp"
#include "peers/peer_door.hpp"
#include "peers/peer_link.hpp"
#include "peers/peer_socket.hpp"
#include "peers/tls_identity.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/make_counted.hpp>
#include <caf/make_message.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/timespan.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <sys/eventfd.h>
#include <utility>

namespace beckon::peers {

namespace {

constexpr auto category = caf::atom("transport");
constexpr std::chrono::seconds heartbeat{2};
/// Other programs that speak CAF's protocol are turned away.
const char* const protocol_name = "beckon";

using multiplexer = caf::io::network::default_multiplexer;

caf::error failure(transport_errc code, std::string text) {
  return {static_cast<uint8_t>(code), category, caf::make_message(std::move(text))};
}

tls_files files_of(const transport_options& options) {
  return {options.tls_cert, options.tls_key, options.tls_ca};
}

class transport : public peer_transport {
 public:
  transport(caf::actor_system& system, transport_options options, std::shared_ptr<tls_identity> identity,
            multiplexer& io, caf::actor links)
      : system_(system),
        options_(std::move(options)),
        identity_(std::move(identity)),
        io_(io),
        links_(std::move(links)),
        stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~transport() override { stop(); }

  /// Says so when CAF's broker ends before stop().
  void watch_broker() {
    links_->attach_functor([stopped = stopped_, tell = options_.on_broken](const caf::error&) {
      if (*stopped)
        return;
      spdlog::critical(
          "cluster: the links to all other nodes are gone and cannot be made again; restart this node");
      if (tell)
        tell();
    });
  }

  caf::actor_system& system() override { return system_; }

  void stop() override {
    if (stopped_->exchange(true))
      return;
    ::eventfd_write(stop_fd_.get(), 1);
    if (port_ != 0)
      caf::anon_send(links_, caf::close_atom::value, uint16_t{port_});
  }

 protected:
  caf::expected<uint16_t> open(const caf::strong_actor_ptr& door, std::set<std::string> types) override {
    std::string problem;
    auto listening = listen_on(options_.address, options_.port, problem);
    if (!listening)
      return failure(transport_errc::cannot_listen, problem);
    caf::io::doorman_ptr doorman =
        caf::make_counted<peer_door>(io_, std::move(listening), identity_, options_);
    const auto port = doorman->port();
    port_ = port;
    caf::anon_send(links_, caf::publish_atom::value, std::move(doorman), port, door, std::move(types));
    // Until the I/O thread watches the door CAF could not close it again.
    auto watched = std::make_shared<std::promise<void>>();
    io_.post([watched] { watched->set_value(); });
    watched->get_future().wait();
    return port;
  }

  caf::expected<caf::strong_actor_ptr> dial(const endpoint& where, const std::set<std::string>& types,
                                            int64_t timeout_ms) override {
    const patience wait{timeout_ms, stop_fd_.get()};
    // CAF's broker gives up whatever shakes hands at the moment of a heartbeat: such an attempt is made
    // again.
    for (;;) {
      bool again = false;
      auto result = dial_once(where, types, wait, again);
      if (result || !again || wait.left_ms() == 0)
        return result;
    }
  }

 private:
  caf::expected<caf::strong_actor_ptr> dial_once(const endpoint& where, const std::set<std::string>& types,
                                                 const patience& wait, bool& again) {
    called_door called;
    std::string problem;
    auto failed =
        *stopped_ ? transport_errc::stopped : call_door(where, identity_.get(), wait, called, problem);
    if (*stopped_)
      return failure(transport_errc::stopped, "this node is stopping");
    if (failed != transport_errc{})
      return failure(failed, "no link to " + to_string(where) + ": " + problem);
    auto state = std::make_shared<link_state>(called.socket.get());
    caf::io::scribe_ptr link = caf::make_counted<peer_link>(
        io_, std::move(called.socket), std::move(called.tls), limits_from(options_), state, nullptr);
    caf::scoped_actor self{system_};
    caf::expected<caf::strong_actor_ptr> result{caf::strong_actor_ptr{}};
    self->request(links_, std::chrono::milliseconds{std::max<int64_t>(1, wait.left_ms())},
                  caf::connect_atom::value, std::move(link), uint16_t{where.port})
        .receive(
            [&](caf::node_id& node, caf::strong_actor_ptr& door, std::set<std::string>& found) {
              result = judge(where, types, node, std::move(door), found);
            },
            [&](caf::error& e) {
              again = e == caf::sec::connection_timeout;
              state->cut("it did not say in time which node it is");
              result = failure(transport_errc::not_a_node,
                               "no link to " + to_string(where) + ": " + state->reason());
            });
    return result;
  }

  caf::expected<caf::strong_actor_ptr> judge(const endpoint& where, const std::set<std::string>& types,
                                             const caf::node_id& node, caf::strong_actor_ptr door,
                                             const std::set<std::string>& found) {
    if (node == system_.node())
      return failure(transport_errc::not_a_node, to_string(where) + " is this node itself");
    if (!door)
      return failure(transport_errc::not_a_node, "the node at " + to_string(where) + " has no door open");
    if (!system_.assignable(found, types))
      return failure(transport_errc::wrong_door,
                     "the node at " + to_string(where) + " understands other messages: another version");
    return door;
  }

  caf::actor_system& system_;
  const transport_options options_;
  const std::shared_ptr<tls_identity> identity_;
  multiplexer& io_;
  const caf::actor links_; // CAF's broker for its protocol between nodes
  unique_fd stop_fd_;
  std::atomic<uint16_t> port_{0};
  const std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

} // namespace

std::string to_string(const endpoint& where) {
  return base::host_and_port(where.host, where.port);
}

std::string to_string(transport_errc code) {
  switch (code) {
  case transport_errc::cannot_listen:
    return "cannot_listen";
  case transport_errc::unreachable:
    return "unreachable";
  case transport_errc::refused:
    return "refused";
  case transport_errc::not_a_node:
    return "not_a_node";
  case transport_errc::wrong_door:
    return "wrong_door";
  case transport_errc::stopped:
    return "stopped";
  }
  return "transport error " + std::to_string(static_cast<unsigned>(code));
}

transport_errc transport_errc_of(const caf::error& e) {
  return e && e.category() == category ? static_cast<transport_errc>(e.code()) : transport_errc{};
}

std::string describe_transport_error(const caf::error& e) {
  const auto& context = e.context();
  if (!context.empty() && context.match_element<std::string>(0))
    return context.get_as<std::string>(0);
  return to_string(transport_errc_of(e));
}

transport_options transport_options_from(const config::configuration& cfg) {
  transport_options o;
  o.address = cfg.text("cluster.address");
  o.port = static_cast<uint16_t>(cfg.integer("cluster.port"));
  o.tls_cert = cfg.text("cluster.tls-cert");
  o.tls_key = cfg.text("cluster.tls-key");
  o.tls_ca = cfg.text("cluster.tls-ca");
  return o;
}

void prepare_transport(caf::actor_system_config& target) {
  target.set("middleman.heartbeat-interval", caf::timespan{heartbeat});
  target.set("middleman.connection-timeout", caf::timespan{std::chrono::milliseconds{link_silence_max_ms}});
  target.set("middleman.workers", size_t{0});
  target.set("middleman.app-identifiers", std::vector<std::string>{protocol_name});
}

std::string check_transport(const transport_options& options) {
  if (base::kind_of_address(options.address) == base::address_kind::none)
    return "cluster.address: \"" + options.address + "\" is not an IP address; give one of this machine's";
  const bool some = !options.tls_cert.empty() || !options.tls_key.empty() || !options.tls_ca.empty();
  const bool all = !options.tls_cert.empty() && !options.tls_key.empty() && !options.tls_ca.empty();
  if (some && !all)
    return "cluster.tls-cert, cluster.tls-key and cluster.tls-ca: set all three or none";
  if (!some && base::kind_of_address(options.address) != base::address_kind::loopback)
    return "cluster.address: " + options.address
           + " can be reached from other machines, and there are no certificates; set cluster.tls-cert, "
             "cluster.tls-key and cluster.tls-ca, or listen on 127.0.0.1";
  return some ? check_tls_files(files_of(options)) : std::string{};
}

caf::expected<std::shared_ptr<peer_transport>> peer_transport::make(caf::actor_system& system,
                                                                    transport_options options) {
  if (auto problem = check_transport(options); !problem.empty())
    return failure(transport_errc::cannot_listen, std::move(problem));
  std::shared_ptr<tls_identity> identity;
  if (options.tls()) {
    std::string problem;
    identity = tls_identity::make(files_of(options), problem);
    if (!identity)
      return failure(transport_errc::cannot_listen, std::move(problem));
  }
  auto* io = system.has_middleman() ? dynamic_cast<multiplexer*>(&system.middleman().backend()) : nullptr;
  if (io == nullptr)
    throw std::runtime_error(
        "links to other nodes: load caf::io::middleman with its default network backend");
  make_identity_unique(system);
  auto links = system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  auto result =
      std::make_shared<transport>(system, std::move(options), std::move(identity), *io, std::move(links));
  result->watch_broker();
  return std::shared_ptr<peer_transport>{std::move(result)};
}

} // namespace beckon::peers
