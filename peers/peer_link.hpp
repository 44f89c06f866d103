#pragma once

#include "peers/frame_check.hpp"
#include "peers/peer_socket.hpp"
#include "peers/tls_identity.hpp"

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace beckon::peers {

/// One link as other threads may see it: why it ended, and a way to end it. Threadsafe.
class link_state {
 public:
  explicit link_state(int fd) : fd_(fd) {}
  /// Ends the link from any thread, for a reason; the first reason stays.
  void cut(const std::string& reason);
  /// Why it ended by itself.
  void note(const std::string& reason);
  std::string reason() const;
  bool was_cut() const;

 private:
  friend class peer_link;
  void forget_socket();

  mutable std::mutex mutex_;
  int fd_; // -1 once it is closed
  std::string reason_;
  bool cut_ = false;
};
using link_state_ptr = std::shared_ptr<link_state>;

/// Told on the I/O thread how a link fares that was accepted.
class link_guest {
 public:
  virtual ~link_guest() = default;
  /// The other side has said in CAF's protocol which node it is.
  virtual void known() = 0;
};

/// What one link may take of memory.
struct link_limits {
  size_t greeting_bytes_max = 4096; // of what arrives before the other side is known
  size_t message_bytes_max = 0;     // of one message that arrives
  size_t output_bytes_max = 0;      // written and not yet taken by the other side
};

/// One TCP connection to another node, with or without TLS: the socket under CAF's protocol between nodes.
/// Runs on: I/O thread, except the constructor.  Blocks: no.
/// Bounds: link_limits; beyond, the link is cut with a reason. A TLS handshake writes nothing of CAF's before
/// it has ended, so that a silent peer costs no time.
class peer_link : public caf::io::scribe {
 public:
  /// `tls` is null for plain TCP. Of an accepted link the handshake is still to come.
  peer_link(caf::io::network::default_multiplexer& multiplexer, unique_fd socket, tls_session tls,
            const link_limits& limits, link_state_ptr state, std::unique_ptr<link_guest> guest);
  ~peer_link() override;

  void configure_read(caf::io::receive_policy::config config) override;
  bool consume(caf::execution_unit* ctx, const void* data, size_t size) override;
  void ack_writes(bool enable) override;
  std::vector<char>& wr_buf() override;
  std::vector<char>& rd_buf() override;
  void graceful_shutdown() override;
  void flush() override;
  std::string addr() const override;
  uint16_t port() const override;
  void add_to_loop() override;
  void remove_from_loop() override;

 private:
  using rw_state = caf::io::network::rw_state;
  using native_socket = caf::io::network::native_socket;

  /// What CAF's stream reads from and writes to.
  struct policy {
    peer_link* link;
    rw_state read_some(size_t& n, native_socket, void* to, size_t size) { return link->read(n, to, size); }
    rw_state write_some(size_t& n, native_socket, const void* from, size_t size) {
      return link->write(n, from, size);
    }
    bool must_read_more(native_socket, size_t wanted) const { return link->has_read(wanted); }
  };

  rw_state read(size_t& n, void* to, size_t size);
  rw_state write(size_t& n, const void* from, size_t size);
  bool has_read(size_t wanted) const;
  rw_state read_plain(size_t& n, char* to, size_t size);
  rw_state read_tls(size_t& n, void* to, size_t size);
  rw_state fill();
  rw_state shake_hands();
  rw_state tls_result(int returned);
  void send_early();
  void read_what_is_here();
  bool is_over() const { return over_; }
  void end(const std::string& reason);

  caf::io::network::stream_impl<policy> stream_;
  tls_session tls_;
  const link_limits limits_;
  const link_state_ptr state_;
  std::unique_ptr<link_guest> guest_; // null on the side that connected
  frame_check check_;
  std::vector<char> early_; // what CAF wrote before the TLS handshake has ended
  std::vector<char> input_; // plain TCP: read ahead, so that one system call serves many messages
  size_t input_begin_ = 0;
  size_t input_end_ = 0;
  bool launched_ = false;
  bool shaken_ = true; // no TLS handshake is under way
  bool over_ = false;  // cut: read nothing more
};

} // namespace beckon::peers
