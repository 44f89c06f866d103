#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace beckon::storage::mysql {

/// The consequence of a failed call for the connection and its transaction.
enum class consequence : uint8_t {
  none,  // roll back; the connection stays
  lost,  // the connection is unusable
  retry, // roll back and run the whole transaction again
};

/// A failed call, as an error of this folder. Thrown only below the functions of a session or store; these
/// catch it and return the error, so no exception leaves the folder.
class failure {
 public:
  failure(caf::error reason, consequence then) : reason_(std::move(reason)), then_(then) {}
  const caf::error& reason() const { return reason_; }
  consequence then() const { return then_; }

 private:
  caf::error reason_;
  consequence then_;
};

/// A row with this key exists already. The statement that reports it has changed nothing.
constexpr unsigned duplicate_key = 1062;

/// The kind of call that failed: the same number has different meanings.
enum class phase : uint8_t { connecting, working, committing };

/// Account and server, for the texts.
struct endpoint {
  std::string store;   // "mysql beckon@db1:3306/beckon"
  std::string account; // "beckon@db1:3306"
};

/// `code` is the number from the server or the client library.
failure to_failure(unsigned code, const std::string& message, const endpoint& where, phase when);

} // namespace beckon::storage::mysql
