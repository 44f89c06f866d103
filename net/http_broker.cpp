#include "net/http_broker.hpp"

#include "net/http_front.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>

#include <algorithm>
#include <stdexcept>
#include <unistd.h>

namespace beckon::net {

namespace {

constexpr size_t messages_per_turn = 256; // then sockets get their turn, however many answers wait

class http_broker final : public http_broker_actor::broker_base {
 public:
  using super = http_broker_actor::broker_base;

  http_broker(caf::actor_config& cfg, std::unique_ptr<http_front> front)
      : super(cfg), front_(std::move(front)), inline_unit_(front_->inline_unit()) {}

  const char* name() const override { return "http_broker"; }

  /// CAF calls this with a batch of messages; their output is sent after the last one.
  resume_result resume(caf::execution_unit* unit, size_t throughput) override {
    const auto result = super::resume(unit, std::min(throughput, messages_per_turn));
    if (front_)
      front_->end_turn();
    return result;
  }

  /// An answer from an actor on the I/O thread bypasses the mailbox, and with it a system call that would
  /// wake this very thread: it leaves in the current turn. Only complete answers do so, because pieces of a
  /// stream may follow others in the mailbox. Messages sent as requests do not: their sender waits for CAF's
  /// empty answer, which only the mailbox produces.
  void enqueue(caf::mailbox_element_ptr message, caf::execution_unit* unit) override {
    if (unit == inline_unit_ && front_ && !message->mid.is_request()) {
      const auto& content = message->content();
      if (content.match_elements<answer_atom, exchange_answer_ptr>()) {
        front_->answer(content.get_as<exchange_answer_ptr>(1));
        return;
      }
    }
    super::enqueue(std::move(message), unit);
  }

  void on_exit() override { front_.reset(); }

  /// CAF's own brokers leave their mailbox open when they end, so a late request would wait for ever instead
  /// of failing.
  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    return caf::scheduled_actor::cleanup(std::move(reason), unit); // NOLINT(bugprone-parent-virtual-call)
  }

 protected:
  behavior_type make_behavior() override {
    front_->start({[this] { return caf::actor_cast<http_broker_actor>(this); }, [this] { turn_again(); },
                   [this] { next_tick(); }});
    return {
        [this](answer_atom, const exchange_answer_ptr& answer) { front_->answer(answer); },
        [this](begin_atom, const exchange_answer_ptr& head, const streaming_request_actor& producer) {
          front_->begin(head, producer);
        },
        [this](piece_atom, uint64_t connection, uint64_t sequence, const std::string& bytes) {
          front_->piece({connection, sequence}, bytes);
        },
        [this](finish_atom, uint64_t connection, uint64_t sequence) {
          front_->finish({connection, sequence});
        },
        [this](abort_atom, uint64_t connection, uint64_t sequence) {
          front_->abort({connection, sequence});
        },
        [this](drain_atom, uint32_t grace_ms) { return drain(grace_ms); },
        [this](wheel_atom) { front_->tick(); },
    };
  }

 private:
  void next_tick() { delayed_send(this, std::chrono::milliseconds(http_front::tick_ms), wheel_atom_v); }

  void turn_again() {
    caf::strong_actor_ptr alive{ctrl()};
    backend().post([this, alive] {
      if (front_)
        front_->end_turn();
    });
  }

  caf::result<uint64_t> drain(uint32_t grace_ms) {
    auto promise = make_response_promise<uint64_t>();
    front_->drain(grace_ms, [this, promise](uint64_t cut_off) mutable {
      promise.deliver(cut_off);
      // Send a message: the last connection may close outside a message handler, where an actor cannot end.
      caf::anon_send_exit(caf::actor_cast<http_broker_actor>(this), caf::exit_reason::user_shutdown);
    });
    return promise;
  }

  std::unique_ptr<http_front> front_;            // used only by the I/O thread
  const caf::execution_unit* const inline_unit_; // read by every thread
};

caf::io::network::default_multiplexer* loop_of(caf::actor_system& system) {
  if (!system.has_middleman())
    return nullptr;
  return dynamic_cast<caf::io::network::default_multiplexer*>(&system.middleman().backend());
}

} // namespace

http_broker_actor spawn_http_broker(caf::actor_system& system, const listener& l, http_options options,
                                    std::vector<route> table, std::shared_ptr<prometheus::Registry> metrics) {
  auto* loop = loop_of(system);
  if (loop == nullptr) {
    ::close(l.fd);
    throw std::runtime_error("HTTP front: load caf::io::middleman with its default network backend");
  }
  auto front = std::make_unique<http_front>(system, *loop, l.fd, std::move(options), std::move(table),
                                            std::move(metrics));
  caf::actor_config cfg{loop};
  return system.spawn_impl<http_broker, caf::no_spawn_options>(cfg, std::move(front));
}

} // namespace beckon::net
