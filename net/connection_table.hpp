#pragma once

#include "net/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace beckon::net {

/// Owns the connections and names each by a number that is never reused, so that an answer for a closed
/// connection cannot reach another one on the same descriptor. Not threadsafe. Blocks: no. Bounds: at most
/// 2^20 connections at a time; the upper 44 bits of a number count.
class connection_table {
 public:
  static constexpr size_t connections_limit = size_t{1} << 20;

  /// Requires size() < connections_limit. The reference is valid until close().
  connection& open(int fd, std::string peer, const parser_limits& limits);
  /// Null for an unknown or closed number.
  connection* find(uint64_t number) const;
  /// Destroys the connection; does not close its descriptor. Requires that it exists.
  void close(uint64_t number);
  size_t size() const { return open_; }
  /// The numbers of all open connections, in no order.
  std::vector<uint64_t> numbers() const;

 private:
  static constexpr uint64_t slot_bits = 20;
  static constexpr uint64_t slot_mask = (uint64_t{1} << slot_bits) - 1;

  std::vector<std::unique_ptr<connection>> slots_;
  std::vector<uint32_t> free_;
  uint64_t opened_ = 0;
  size_t open_ = 0;
};

} // namespace beckon::net
