#include "peers/peer_link.hpp"

#include <caf/io/network/native_socket.hpp>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace beckon::peers {

namespace {

using rw_state = caf::io::network::rw_state;

/// Read ahead of one plain link.
constexpr size_t input_bytes = 65536;

int clipped(size_t size) {
  return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

} // namespace

// -- link_state -----------------------------------------------------------------------------------

void link_state::cut(const std::string& reason) {
  std::lock_guard<std::mutex> guard{mutex_};
  if (reason_.empty())
    reason_ = reason;
  cut_ = true;
  if (fd_ >= 0)
    ::shutdown(fd_, SHUT_RDWR); // the I/O thread sees the end and cleans up
}

void link_state::note(const std::string& reason) {
  std::lock_guard<std::mutex> guard{mutex_};
  if (reason_.empty())
    reason_ = reason;
}

std::string link_state::reason() const {
  std::lock_guard<std::mutex> guard{mutex_};
  return reason_;
}

bool link_state::was_cut() const {
  std::lock_guard<std::mutex> guard{mutex_};
  return cut_;
}

void link_state::forget_socket() {
  std::lock_guard<std::mutex> guard{mutex_};
  fd_ = -1;
}

// -- peer_link: what CAF asks for -----------------------------------------------------------------

peer_link::peer_link(caf::io::network::default_multiplexer& multiplexer, unique_fd socket, tls_session tls,
                     const link_limits& limits, link_state_ptr state, std::unique_ptr<link_guest> guest)
    : scribe(caf::io::connection_handle::from_int(socket.get())),
      stream_(multiplexer, socket.get(), policy{this}),
      tls_(std::move(tls)),
      limits_(limits),
      state_(std::move(state)),
      guest_(std::move(guest)),
      check_(guest_ ? frame_check::side::accepting : frame_check::side::connecting) {
  socket.release(); // the stream closes it
  shaken_ = !tls_ || SSL_is_init_finished(tls_.get()) != 0;
}

peer_link::~peer_link() {
  state_->forget_socket();
}

// CAF would make room for as much as the other side announces, up to 4 GiB, before any of it has arrived.
void peer_link::configure_read(caf::io::receive_policy::config config) {
  const auto most = check_.is_known() ? limits_.message_bytes_max : limits_.greeting_bytes_max;
  if (config.second > most) {
    end("it announced " + std::to_string(config.second) + " bytes at once, more than "
        + std::to_string(most));
    return;
  }
  stream_.configure_read(config);
  if (!launched_) {
    launched_ = true;
    stream_.start(this);
    if (has_read(1))
      read_what_is_here();
  }
}

// The socket does not wake anybody for bytes that TLS has taken from it already.
void peer_link::read_what_is_here() {
  caf::intrusive_ptr<peer_link> self{this};
  stream_.backend().post([self] {
    if (!self->detached())
      self->stream_.handle_event(caf::io::network::operation::read);
  });
}

bool peer_link::consume(caf::execution_unit* ctx, const void* data, size_t size) {
  if (detached())
    return false;
  // After the end this stream still wants to be called once more, to be told by read().
  if (over_)
    return true;
  if (const char* problem = check_.take(rd_buf().data(), size)) {
    end(problem);
    return true;
  }
  if (guest_ && check_.is_known())
    guest_->known();
  return scribe::consume(ctx, data, size);
}

void peer_link::ack_writes(bool enable) {
  stream_.ack_writes(enable);
}

std::vector<char>& peer_link::wr_buf() {
  return shaken_ ? stream_.wr_buf() : early_;
}

std::vector<char>& peer_link::rd_buf() {
  return stream_.rd_buf();
}

// CAF waits until the other side has taken what is still to be written, and the system's end waits for CAF: a
// stopped process never takes it.
void peer_link::graceful_shutdown() {
  set_patience(stream_.fd(), link_farewell_max_ms);
  stream_.graceful_shutdown();
  detach(&stream_.backend(), false);
}

void peer_link::flush() {
  if (!shaken_)
    return;
  if (stream_.wr_buf().size() > limits_.output_bytes_max)
    end("it does not take what is sent to it; " + std::to_string(stream_.wr_buf().size()) + " bytes wait");
  stream_.flush(this);
}

std::string peer_link::addr() const {
  auto found = caf::io::network::remote_addr_of_fd(stream_.fd());
  return found ? *found : std::string{};
}

uint16_t peer_link::port() const {
  auto found = caf::io::network::remote_port_of_fd(stream_.fd());
  return found ? *found : uint16_t{0};
}

void peer_link::add_to_loop() {
  stream_.activate(this);
}

void peer_link::remove_from_loop() {
  stream_.passivate();
}

void peer_link::end(const std::string& reason) {
  over_ = true;
  state_->cut(reason);
}

// -- peer_link: bytes -----------------------------------------------------------------------------

rw_state peer_link::read(size_t& n, void* to, size_t size) {
  n = 0;
  if (over_)
    return rw_state::failure;
  return tls_ ? read_tls(n, to, size) : read_plain(n, static_cast<char*>(to), size);
}

rw_state peer_link::write(size_t& n, const void* from, size_t size) {
  n = 0;
  if (over_)
    return rw_state::failure;
  if (!shaken_)
    return shake_hands();
  if (size == 0)
    return rw_state::indeterminate;
  if (tls_) {
    const int sent = SSL_write(tls_.get(), from, clipped(size));
    if (sent <= 0)
      return tls_result(sent);
    n = static_cast<size_t>(sent);
    return rw_state::success;
  }
  const auto sent = ::send(stream_.fd(), from, size, MSG_NOSIGNAL);
  if (sent < 0)
    return errno == EAGAIN || errno == EINTR ? rw_state::success : rw_state::failure;
  n = static_cast<size_t>(sent);
  return rw_state::success;
}

bool peer_link::has_read(size_t wanted) const {
  const size_t have = tls_ ? static_cast<size_t>(SSL_pending(tls_.get())) : input_end_ - input_begin_;
  return !over_ && have > 0 && have >= wanted;
}

rw_state peer_link::read_plain(size_t& n, char* to, size_t size) {
  auto have = [this] { return input_end_ - input_begin_; };
  auto result = rw_state::success;
  if (have() < size)
    result = fill();
  n = std::min(size, have());
  if (n == 0)
    return result;
  std::memcpy(to, input_.data() + input_begin_, n);
  input_begin_ += n;
  return rw_state::success; // an end that was seen meanwhile is seen again
}

rw_state peer_link::fill() {
  if (input_.empty())
    input_.resize(input_bytes);
  std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
  input_end_ -= input_begin_;
  input_begin_ = 0;
  if (input_end_ == input_.size())
    return rw_state::success;
  const auto got = ::recv(stream_.fd(), input_.data() + input_end_, input_.size() - input_end_, 0);
  if (got > 0)
    input_end_ += static_cast<size_t>(got);
  else if (got == 0 || (errno != EAGAIN && errno != EINTR))
    return rw_state::failure;
  return rw_state::success;
}

rw_state peer_link::read_tls(size_t& n, void* to, size_t size) {
  if (!shaken_) {
    auto result = shake_hands();
    if (!shaken_)
      return result;
  }
  ERR_clear_error();
  const int got = SSL_read(tls_.get(), to, clipped(size));
  if (got <= 0)
    return tls_result(got);
  n = static_cast<size_t>(got);
  return rw_state::success;
}

/// Goes on with the handshake of an accepted link.
rw_state peer_link::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_.get());
  if (done != 1)
    return tls_result(done);
  shaken_ = true;
  send_early();
  return rw_state::success;
}

void peer_link::send_early() {
  auto& out = stream_.wr_buf();
  out.insert(out.end(), early_.begin(), early_.end());
  early_ = {};
  stream_.flush(this);
}

rw_state peer_link::tls_result(int returned) {
  switch (SSL_get_error(tls_.get(), returned)) {
  case SSL_ERROR_WANT_READ:
    return rw_state::success;
  case SSL_ERROR_WANT_WRITE:
    if (!shaken_)
      stream_.force_empty_write(this);
    return rw_state::success;
  case SSL_ERROR_ZERO_RETURN:
    state_->note("it closed the connection");
    return rw_state::failure;
  default:
    state_->note(tls_failure(tls_.get()));
    return rw_state::failure;
  }
}

} // namespace beckon::peers
