#define CAF_SUITE actors.node_start

#include "actors/node/node.hpp"
#include "base/clock.hpp"
#include "json/time_text.hpp"
#include "tests/storage/scratch_directory.hpp"

#include <caf/test/unit_test.hpp>

#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace beckon;
using namespace beckon::actors;

namespace {

/// A configuration on a directory, which is made if need be, as the command line gives it.
config::configuration configured(const std::string& directory, std::vector<std::string> more = {}) {
  std::filesystem::create_directory(directory); // as `beckon serve` does
  more.insert(more.end(), {"--node.data-dir=" + directory, "--node.threads=2"});
  auto cfg = config::read({{}, {}, std::move(more)});
  if (!cfg)
    CAF_FAIL(config::describe(cfg.error()));
  return std::move(*cfg);
}

/// The program's actor system around one node.
struct program {
  config::configuration cfg;
  caf::actor_system_config system_config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<node> running;
  std::string problem;

  explicit program(config::configuration c, const std::function<bool()>& give_up = {}) : cfg(std::move(c)) {
    prepare_system(system_config, cfg);
    system = std::make_unique<caf::actor_system>(system_config);
    auto started = node::start(*system, cfg, {}, {}, give_up);
    if (started)
      running = std::move(*started);
    else
      problem = system->render(started.error());
  }
  ~program() {
    running = nullptr; // before the system that its actors live in
  }
};

/// A connection to the node; it asks one thing and reads until the node closes. Empty: it could not connect.
std::string answer_of(uint16_t port, const std::string& request_line, const std::string& body = {}) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    auto request = request_line
                   + " HTTP/1.1\r\nHost: n\r\nConnection: close\r\nContent-Type: application/json\r\n"
                   + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    CAF_CHECK_EQUAL(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
                    static_cast<ssize_t>(request.size()));
    char piece[4096];
    for (ssize_t n; (n = ::recv(fd, piece, sizeof piece, 0)) > 0;)
      text.append(piece, static_cast<size_t>(n));
  }
  ::close(fd);
  return text;
}

bool is(const std::string& answer, int status) {
  return answer.rfind("HTTP/1.1 " + std::to_string(status), 0) == 0;
}

const std::string popup = R"({"id":"p","status":"live","placements":["home"],"content":{}})";
const std::string any_port = "--http.port=0";

} // namespace

CAF_TEST(a node is ready when its start returns and leaves nothing behind when it stops) {
  storage::test::scratch_directory directory;
  uint16_t port = 0;
  {
    program p{configured(directory.file("data"), {any_port})};
    CAF_REQUIRE_EQUAL(p.problem, "");
    port = p.running->port();
    CAF_CHECK(port != 0);
    CAF_CHECK(p.running->store_description().find(directory.file("data")) != std::string::npos);
    CAF_CHECK(is(answer_of(port, "GET /readyz"), 200));
    CAF_CHECK(is(answer_of(port, "POST /v1/popups", popup), 201));
    CAF_CHECK_EQUAL(p.running->stop(), 0u);
    CAF_CHECK_EQUAL(p.running->stop(), 0u);
    CAF_CHECK_EQUAL(p.running->fatal_reason(), "");
    CAF_CHECK_EQUAL(answer_of(port, "GET /readyz"), "");
  }
  CAF_MESSAGE("another one finds what the first has stored");
  program again{configured(directory.file("data"), {any_port})};
  CAF_REQUIRE_EQUAL(again.problem, "");
  CAF_CHECK(is(answer_of(again.running->port(), "GET /v1/popups/p"), 200));
}

CAF_TEST(a node with an outbox has shipped it when it stops) {
  storage::test::scratch_directory directory;
  program p{configured(directory.file("data"), {any_port, "--durability.events=outbox"})};
  CAF_REQUIRE_EQUAL(p.problem, "");
  auto event = R"({"id":"5b0b4b38-0000-4000-8000-000000000001","type":"click","user":"u","popup":"p","at":")"
               + json::format_rfc3339(base::unix_ms()) + "\"}";
  CAF_CHECK(is(answer_of(p.running->port(), "POST /v1/events", R"({"events":[)" + event + "]}"), 202));
  CAF_CHECK_EQUAL(p.running->stop(), 0u);
  CAF_CHECK_EQUAL(p.running->events_waiting(), 0u);
}

CAF_TEST(a port in use is told before anything is opened) {
  storage::test::scratch_directory first;
  storage::test::scratch_directory second;
  program one{configured(first.file("data"), {any_port})};
  CAF_REQUIRE_EQUAL(one.problem, "");
  auto port = std::to_string(one.running->port());
  program two{configured(second.file("data"), {"--http.port=" + port})};
  CAF_CHECK(!two.running);
  CAF_CHECK(two.problem.find(port) != std::string::npos);
  CAF_CHECK(std::filesystem::is_empty(second.file("data")));
}

CAF_TEST(a store that cannot be opened is told and frees the port) {
  storage::test::scratch_directory directory;
  std::filesystem::create_directory(directory.file("data"));
  std::ofstream{directory.file("data/beckon.db")}
      << "this is no database, however long one looks at its first bytes";
  program p{configured(directory.file("data"), {any_port})};
  CAF_CHECK(!p.running);
  CAF_CHECK(p.problem.find("beckon.db") != std::string::npos);
}
