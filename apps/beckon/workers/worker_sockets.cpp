#include "apps/beckon/workers/worker_sockets.hpp"

#include "net/acceptor.hpp"
#include "net/http_broker.hpp"
#include "storage/error.hpp"

#include <unistd.h>
#include <utility>

namespace beckon::apps {

namespace {

/// Opens one socket and appends it. Returns the problem, if any.
std::string open_one(net::http_options options, std::vector<int>& out, uint16_t& port) {
  auto listening = net::open_listener(options);
  if (!listening)
    return storage::describe(listening.error());
  out.push_back(listening->fd);
  port = listening->port;
  return {};
}

} // namespace

worker_sockets::~worker_sockets() {
  close();
}

void worker_sockets::close() {
  for (auto* list : {&shared_, &own_})
    for (int fd : std::exchange(*list, {}))
      ::close(fd);
}

std::string worker_sockets::open(const config::configuration& cfg, size_t workers) {
  auto problem = open_all(cfg, workers);
  if (!problem.empty())
    close();
  return problem;
}

std::string worker_sockets::open_all(const config::configuration& cfg, size_t workers) {
  net::http_options options;
  options.address = cfg.text("http.address");
  options.port = static_cast<uint16_t>(cfg.integer("http.port"));
  options.backlog = static_cast<int>(cfg.integer("http.backlog"));
  if (options.port != 0 && !cfg.boolean("http.reuse-port")) {
    // Any process of this user can join sockets that share a port, so another node there must be detected.
    auto alone = net::open_listener(options);
    if (!alone)
      return storage::describe(alone.error());
    ::close(alone->fd);
  }
  options.reuse_port = true;
  for (size_t i = 0; i < workers; ++i) {
    if (auto problem = open_one(options, shared_, port_); !problem.empty())
      return problem;
    options.port = port_;
  }
  auto base = cfg.integer("workers.port-base");
  options.reuse_port = false;
  for (size_t i = 0; base > 0 && i < workers; ++i) {
    options.port = static_cast<uint16_t>(base + 1 + static_cast<int64_t>(i));
    uint16_t opened = 0;
    if (auto problem = open_one(options, own_, opened); !problem.empty())
      return problem;
  }
  return {};
}

void worker_sockets::shut_out_newcomers() {
  for (const auto* list : {&shared_, &own_})
    for (int fd : *list)
      net::shut_out_newcomers(fd); // without such a filter the last connections in the queue are reset
}

} // namespace beckon::apps
