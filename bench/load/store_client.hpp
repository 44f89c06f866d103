#pragma once

#include "bench/load/address.hpp"
#include "bench/load/http_answer.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

/// Reads from a node: one GET after the other over one connection, from the first node that answers.
/// Blocks: yes, at most 30 s without a byte.  Not threadsafe.
class store_client {
 public:
  struct reply {
    int status = 0;
    std::string body; // at most 64 MiB
  };
  using line_taker = std::function<bool(std::string_view line)>;

  explicit store_client(std::vector<node_address> nodes) : nodes_(std::move(nodes)) {}
  ~store_client() { close(); }
  store_client(const store_client&) = delete;
  store_client& operator=(const store_client&) = delete;

  /// Empty when no node answers; `problem` says what happened with the last of them.
  std::optional<reply> get(const std::string& target, std::string& problem);

  /// Hands a 200's lines over as they come, in constant memory. `take` returns false to stop. False: no whole
  /// listing came, or `take` stopped; lines that were handed over stay so.
  bool stream(const std::string& target, const line_taker& take, std::string& problem);

 private:
  using body_taker = std::function<bool(std::string body)>; // false: stop
  enum class outcome : uint8_t { done, stopped, failed };

  outcome exchange(const node_address& node, const std::string& target, const body_taker& take,
                   std::string& problem);
  bool connect(const node_address& node, std::string& problem);
  bool send(const std::string& bytes);
  void close();

  std::vector<node_address> nodes_;
  size_t node_ = 0; // that answered last
  int fd_ = -1;
  answer_parser answer_{size_t{64} << 20};
};

/// A path segment in percent escapes where needed.
std::string escaped(std::string_view text);

} // namespace beckon::load
