#pragma once

#include "bench/load/address.hpp"
#include "bench/load/http_answer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::load {

/// One non-blocking connection to a node, registered with an epoll instance under its index.
/// Runs on: its worker's thread.  Blocks: no.
class connection {
 public:
  enum class state : uint8_t { away, connecting, idle, busy };
  enum class result : uint8_t { pending, ok, failed };

  connection(int epoll_fd, uint32_t index, const node_address& node)
      : epoll_fd_(epoll_fd), index_(index), node_(&node) {}
  ~connection() { close(); }
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// From away: begins to connect. `ok`: connected already.
  result connect();
  /// The socket is writable while connecting.
  result connected();
  /// From idle: sends these bytes; what the socket does not take is sent when it becomes writable.
  result send(std::string bytes);
  result flush();
  /// Reads available input. `ok`: the answer is complete.
  result receive();
  /// After a complete answer: ready for the next request, unless the node wants to close the connection.
  void next();
  void close();

  state now() const { return state_; }
  const answer_parser& answer() const { return answer_; }
  const node_address& node() const { return *node_; }
  const std::string& problem() const { return problem_; }

 private:
  result fail(std::string_view what, int code);
  bool bind_source();
  bool watch(uint32_t events, int operation);

  int epoll_fd_;
  uint32_t index_;
  const node_address* node_;
  int fd_ = -1;
  state state_ = state::away;
  bool watching_writes_ = false;
  std::string out_;
  size_t out_at_ = 0;
  answer_parser answer_;
  std::string problem_;
};

} // namespace beckon::load
