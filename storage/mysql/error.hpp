#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace beckon::storage::mysql {

/// What a failed call means for the connection and the transaction on it.
enum class consequence : uint8_t {
  none,  // roll back; the connection stays
  lost,  // the connection is of no use any more
  retry, // roll back and run the whole transaction again
};

/// How a call went wrong, as this folder's error. Thrown only below a session's or store's functions, each of
/// which catches it and returns the error: none leaves the folder.
class failure {
 public:
  failure(caf::error reason, consequence then) : reason_(std::move(reason)), then_(then) {}
  const caf::error& reason() const { return reason_; }
  consequence then() const { return then_; }

 private:
  caf::error reason_;
  consequence then_;
};

/// A row of this key is there already. The statement that says so has changed nothing.
constexpr unsigned duplicate_key = 1062;

/// What the call was that failed: the same number means different things.
enum class phase : uint8_t { connecting, working, committing };

/// Who talks to whom, for the texts.
struct endpoint {
  std::string store;   // "mysql beckon@db1:3306/beckon"
  std::string account; // "beckon@db1:3306"
};

/// `code` is the number that server or client library gave.
failure to_failure(unsigned code, const std::string& message, const endpoint& where, phase when);

} // namespace beckon::storage::mysql
