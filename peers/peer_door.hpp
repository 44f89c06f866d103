#pragma once

#include "base/log_limiter.hpp"
#include "net/acceptor.hpp"
#include "peers/peer_link.hpp"
#include "peers/peer_transport.hpp"

#include <caf/io/doorman.hpp>
#include <caf/io/network/acceptor_impl.hpp>

#include <list>
#include <memory>

namespace beckon::peers {

class door_guest;

/// Who has been let in and who not. Runs on: I/O thread.
class door_book : public std::enable_shared_from_this<door_book> {
 public:
  explicit door_book(const transport_options& options) : options_(options) {}

  /// The guest that a new link owns; null, and logged, when there are as many as are let in.
  std::unique_ptr<link_guest> admit(const link_state_ptr& link, const std::string& peer);
  /// Logs, and tells the handler.
  void turned_away(const std::string& peer, const std::string& reason);

 private:
  friend class door_guest;
  using strangers = std::list<door_guest*>;

  void cut_slow_ones(int64_t now_ms);

  const transport_options options_;
  base::log_limiter log_;
  strangers strangers_; // who has not said yet which node it is, oldest first
  size_t open_ = 0;
};

/// Listens for other nodes and makes a link of each connection. Runs on: I/O thread.
/// Bounds: as door_book says. Without a descriptor left a connection is closed at once.
class peer_door : public caf::io::doorman {
 public:
  peer_door(caf::io::network::default_multiplexer& multiplexer, unique_fd listening,
            std::shared_ptr<tls_identity> identity, const transport_options& options);

  bool new_connection() override;
  void launch() override;
  void graceful_shutdown() override;
  std::string addr() const override;
  uint16_t port() const override;
  void add_to_loop() override;
  void remove_from_loop() override;

 private:
  struct policy {
    peer_door* door;
    bool try_accept(caf::io::network::native_socket& accepted, caf::io::network::native_socket) {
      return door->accept(accepted);
    }
  };
  bool accept(int& accepted);

  std::shared_ptr<tls_identity> identity_;
  const link_limits limits_;
  std::shared_ptr<door_book> book_;
  caf::io::network::acceptor_impl<policy> acceptor_;
  net::acceptor taker_; // on a descriptor of its own for the same socket
};

/// What a link may take of memory with these options.
link_limits limits_from(const transport_options& options);

} // namespace beckon::peers
