#include "peers/peer_door.hpp"

#include "base/clock.hpp"
#include "peers/peer_owner.hpp"

#include <caf/make_counted.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

namespace beckon::peers {

namespace {} // namespace

// -- door_book ------------------------------------------------------------------------------------

/// One accepted link in the book, for as long as it lives.
class door_guest : public link_guest {
 public:
  door_guest(std::shared_ptr<door_book> book, link_state_ptr link, std::string peer)
      : book_(std::move(book)), link_(std::move(link)), peer_(std::move(peer)), since_ms_(base::steady_ms()) {
    ++book_->open_;
    place_ = book_->strangers_.insert(book_->strangers_.end(), this);
  }

  ~door_guest() override {
    --book_->open_;
    leave_strangers();
    auto reason = link_->reason();
    if (!known_ && reason.empty())
      reason = "it left before it said which node it is";
    if (!known_ || link_->was_cut())
      book_->turned_away(peer_, reason);
  }

  void known() override {
    known_ = true;
    leave_strangers();
  }

  int64_t since_ms() const { return since_ms_; }

  void cut(const std::string& reason) {
    leave_strangers();
    link_->cut(reason);
  }

 private:
  void leave_strangers() {
    if (place_)
      book_->strangers_.erase(*place_);
    place_.reset();
  }

  std::shared_ptr<door_book> book_;
  link_state_ptr link_;
  std::string peer_;
  int64_t since_ms_;
  std::optional<door_book::strangers::iterator> place_;
  bool known_ = false;
};

std::unique_ptr<link_guest> door_book::admit(const link_state_ptr& link, const std::string& peer) {
  cut_slow_ones(base::steady_ms());
  if (open_ >= options_.accepted_max) {
    turned_away(peer,
                std::to_string(open_) + " connections from other nodes are open, and no more are taken");
    return nullptr;
  }
  return std::make_unique<door_guest>(shared_from_this(), link, peer);
}

void door_book::cut_slow_ones(int64_t now) {
  while (!strangers_.empty()
         && (strangers_.size() >= options_.handshakes_max
             || now - strangers_.front()->since_ms() > link_silence_max_ms))
    strangers_.front()->cut("it did not say in time which node it is");
}

void door_book::turned_away(const std::string& peer, const std::string& reason) {
  if (auto left_out = log_.let_through(base::steady_ms()))
    spdlog::warn("cluster: turned away {}: {}{}", peer, reason,
                 *left_out == 0 ? std::string{} : " (and " + std::to_string(*left_out) + " others before)");
  if (options_.on_refusal)
    options_.on_refusal(peer, reason);
}

// -- peer_door ------------------------------------------------------------------------------------

link_limits limits_from(const transport_options& options) {
  link_limits limits;
  limits.message_bytes_max = options.message_bytes_max;
  limits.output_bytes_max = 2 * options.message_bytes_max;
  return limits;
}

peer_door::peer_door(caf::io::network::default_multiplexer& multiplexer, unique_fd listening,
                     std::shared_ptr<tls_identity> identity, const transport_options& options)
    : doorman(caf::io::accept_handle::from_int(listening.get())),
      identity_(std::move(identity)),
      limits_(limits_from(options)),
      book_(std::make_shared<door_book>(options)),
      acceptor_(multiplexer, listening.get(), policy{this}),
      taker_(::fcntl(listening.get(), F_DUPFD_CLOEXEC, 0)) {
  listening.release(); // the acceptor closes it
}

bool peer_door::accept(int& accepted) {
  auto taken = taker_.accept();
  if (taken.what == net::acceptor::outcome::descriptors)
    taker_.refuse({}); // or it would wait in the queue and wake this thread for ever
  accepted = taken.fd;
  return taken.what == net::acceptor::outcome::accepted;
}

bool peer_door::new_connection() {
  unique_fd socket{acceptor_.accepted_socket()};
  if (detached())
    return false;
  const auto peer = peer_of(socket.get());
  if (!identity_ && !is_own_other_end(socket.get())) {
    book_->turned_away(peer,
                       "it is gone, or its process belongs to another user; without certificates only this "
                       "node's user is let in");
    return true;
  }
  tune_link(socket.get());
  auto state = std::make_shared<link_state>(socket.get());
  auto guest = book_->admit(state, peer);
  if (!guest)
    return true;
  tls_session tls;
  if (identity_) {
    tls = identity_->open_session(tls_identity::side::accepting, socket.get());
    if (!tls) {
      state->note("out of memory");
      return true;
    }
  }
  auto link = caf::make_counted<peer_link>(acceptor_.backend(), std::move(socket), std::move(tls), limits_,
                                           std::move(state), std::move(guest));
  auto hdl = link->hdl();
  static_cast<caf::io::abstract_broker*>(parent())->add_scribe(std::move(link));
  return doorman::new_connection(&acceptor_.backend(), hdl);
}

void peer_door::launch() {
  acceptor_.start(this);
}

// CAF's acceptor lets go of this object at the next event of its socket, which does not come any more when
// the whole system ends; out of the loop it goes at once.
void peer_door::graceful_shutdown() {
  taker_.close();
  ::shutdown(acceptor_.fd(), SHUT_RDWR);
  acceptor_.passivate();
  detach(&acceptor_.backend(), false);
}

std::string peer_door::addr() const {
  return {};
}

uint16_t peer_door::port() const {
  return port_of(acceptor_.fd());
}

void peer_door::add_to_loop() {
  acceptor_.activate(this);
}

void peer_door::remove_from_loop() {
  acceptor_.passivate();
}

} // namespace beckon::peers
