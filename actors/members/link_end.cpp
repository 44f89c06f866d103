#include "actors/members/link_end.hpp"

#include "net/io_unit.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

#include <chrono>
#include <thread>
#include <utility>

namespace beckon::actors {

namespace {

constexpr size_t batch_bytes_max = 64 * 1024;
constexpr net::io_unit::bounds turn{4096, std::chrono::microseconds{2000}};

class link_end final : public caf::monitorable_actor {
 public:
  link_end(caf::actor_config& cfg, caf::actor_system& system, const gateway_actor& gateway)
      : caf::monitorable_actor(cfg),
        gateway_(caf::actor_cast<caf::weak_actor_ptr>(gateway)),
        loop_(system.middleman().backend()),
        unit_(system) {}

  const char* name() const override { return "link_end"; }

  void enqueue(caf::mailbox_element_ptr message, caf::execution_unit*) override {
    auto gateway = gateway_.lock();
    if (!gateway)
      return; // output to a closed link is lost
    const auto& content = message->content();
    auto at_once = std::this_thread::get_id() == loop_.thread_id()
                   && content.match_elements<batch_atom, peer_bytes>()
                   && content.get_as<peer_bytes>(1).bytes.size() <= batch_bytes_max;
    if (!at_once) {
      gateway->enqueue(std::move(message), nullptr);
      return;
    }
    unit_.reset(turn);
    gateway->enqueue(std::move(message), &unit_);
    unit_.run();
  }

 private:
  const caf::weak_actor_ptr gateway_;
  const caf::io::network::multiplexer& loop_;
  net::io_unit unit_; // used only by the I/O thread
};

} // namespace

link_actor make_link_end(caf::actor_system& system, const gateway_actor& gateway) {
  caf::actor_config cfg;
  auto end = caf::make_actor<link_end, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system,
                                                              cfg, system, gateway);
  caf::actor_cast<caf::strong_actor_ptr>(gateway)->get()->attach_functor([end](const caf::error& why) {
    static_cast<caf::monitorable_actor*>(end->get())->cleanup(caf::error{why}, nullptr);
  });
  return caf::actor_cast<link_actor>(end);
}

} // namespace beckon::actors
