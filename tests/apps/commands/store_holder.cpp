#define CAF_SUITE apps.store_holder
#include "apps/beckon/commands/store_holder.hpp"

#include "apps/beckon/host/host.hpp"

#include <caf/test/unit_test.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <string>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace beckon::apps;

namespace {

struct fixture {
  fixture() : path("/tmp/beckon-holder-" + std::to_string(getpid())) {
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  }
  ~fixture() {
    ::close(fd);
    std::filesystem::remove(path);
  }

  std::string path;
  int fd = -1;
};

/// A socket that listens on any free port of 127.0.0.1.
struct listener {
  listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    auto* address = reinterpret_cast<sockaddr*>(&place);
    if (::bind(fd, address, size) != 0 || ::listen(fd, 1) != 0 || ::getsockname(fd, address, &size) != 0)
      CAF_FAIL("no socket to listen on");
    port = ntohs(place.sin_port);
  }
  ~listener() { ::close(fd); }

  int fd;
  uint16_t port = 0;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(store_holder_tests, fixture)

CAF_TEST(a free lock has no holder) {
  CAF_CHECK_EQUAL(holder_of(path).pid, 0);
  CAF_CHECK_EQUAL(holder_of(path + ".none").pid, 0);
  CAF_CHECK(way_through({}).find("http://HOST:PORT of that node") != std::string::npos);
}

CAF_TEST(the holder is found with the place where it listens) {
  CAF_REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  listener here;
  auto holder = holder_of(path);
  CAF_CHECK_EQUAL(holder.pid, getpid());
  CAF_REQUIRE_EQUAL(holder.urls.size(), 1u);
  CAF_CHECK_EQUAL(holder.urls.front(), url_of("127.0.0.1", here.port));
  CAF_CHECK(way_through(holder).find("--url " + holder.urls.front()) != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
