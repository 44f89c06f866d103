#pragma once

#include "net/http_broker.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace beckon::net::test {

/// Waits for a condition, at most ten seconds; false when it did not come.
template <class F>
bool eventually(F&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

struct reply {
  int status = 0;                            // 0: the connection ended before a whole answer
  std::map<std::string, std::string> fields; // lower-case names
  std::string body;
};

/// A blocking client on loopback; every wait ends after ten seconds.
class client {
 public:
  explicit client(uint16_t port, int receive_buffer_bytes = 0);
  /// On a socket that exists already (see prepared()).
  client(int prepared_socket, uint16_t port);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  static int prepared();
  bool send(std::string_view bytes);
  void send_fin();
  void reset();
  /// The next answer; `head_only` for HEAD.
  reply next(bool head_only = false);
  /// Whatever else comes until the connection ends.
  std::string rest();
  /// True when the server closed and nothing more came.
  bool closed() { return rest().empty() && ended_; }
  /// True when the connection ended with a reset.
  bool was_reset() const { return reset_; }

 private:
  void connect(uint16_t port);
  bool fill();
  bool read_chunks(std::string& body);
  std::optional<std::string> line();
  bool take(size_t bytes, std::string& to);

  int fd_ = -1;
  std::string buffer_;
  bool ended_ = false;
  bool reset_ = false;
};

/// Requests that wait until the test says what to answer.
class desk {
 public:
  void put(request_ptr r, http_broker_actor broker);
  bool has(const std::string& name);
  /// Waits for the request with this name first.
  void answer(const std::string& name, response what);
  std::atomic<int> expired{0};

 private:
  struct held {
    request_ptr what;
    http_broker_actor broker;
  };
  std::mutex mutex_;
  std::map<std::string, held> held_;
};

/// What the streaming routes have done so far.
struct stream_figures {
  std::atomic<uint64_t> pieces{0};
  std::atomic<int> aborted{0};
};

/// A front on a free loopback port with routes for tests:
///   GET /fast · POST /echo · GET /hold/{name} (answered through the desk) · GET /deaf (never answers)
///   GET /polite (503 on expire) · GET /throw · GET /big (body of 8 MiB) · GET /stream/{pieces} (of 64 KiB)
///   GET /stall (begins and sends nothing) · GET /cut (one piece, then gives up)
///   GET /sparse (eight empty pieces, each within the deadline, all together not; then one with bytes)
///   POST /hold/{name} · GET /method (the request's method) · GET /scrape (how often /fast was answered, as
///   the registry has it when the handler is called)
class server {
 public:
  /// `more`: routes beside those above.
  explicit server(http_options options = test::usual_options(), const std::vector<route>& more = {});
  ~server();

  uint16_t port() const { return port_; }
  /// Sum of a metric over all series that have this label value; all series when it is empty.
  double metric(const std::string& name, const std::string& label_value = "");
  /// Whether the registry has a series of this metric with this label value.
  bool has_series(const std::string& name, const std::string& label_value);
  std::optional<uint64_t> drain(uint32_t grace_ms);

  desk held;
  stream_figures stream;
  caf::actor_system& system() { return *system_; }
  http_broker_actor broker;

 private:
  std::vector<route> routes();

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<prometheus::Registry> registry_;
  uint16_t port_ = 0;
};

constexpr size_t big_bytes = 8u << 20;
constexpr size_t piece_bytes = 64u << 10;

std::string get(std::string_view path, std::string_view extra = "");
std::string post(std::string_view path, std::string_view body, std::string_view extra = "");

} // namespace beckon::net::test
