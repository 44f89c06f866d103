#define CAF_SUITE apps.check_kernel
#include "apps/beckon/check/check_kernel.hpp"

#include <caf/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

using namespace beckon;
using namespace beckon::apps;

namespace {

/// A directory that looks like /proc/sys.
struct fixture {
  std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("beckon-kernel-" + std::to_string(::getpid()));
  kernel_settings kernel{root.string() + '/'};

  fixture() {
    set("net/core/somaxconn", "4096");
    set("net/ipv4/tcp_max_syn_backlog", "4096");
    set("net/ipv4/tcp_syncookies", "1");
    set("net/ipv4/ip_local_port_range", "32768\t60999");
    set("net/ipv4/ip_local_reserved_ports", "");
    set("net/ipv4/tcp_tw_reuse", "2");
    set("net/ipv4/tcp_max_tw_buckets", "131072");
    set("fs/nr_open", "1048576");
    set("fs/file-max", "9223372036854775807");
  }
  ~fixture() { std::filesystem::remove_all(root); }

  void set(const std::string& name, const std::string& value) {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream{root / name} << value << '\n';
  }

  static config::configuration with(const std::vector<std::string>& words) {
    auto cfg = config::read({"", {}, words});
    if (!cfg)
      CAF_FAIL(config::describe(cfg.error()));
    return *cfg;
  }

  using look = void (*)(const config::configuration&, const kernel_settings&, check_report&);

  /// The texts of the lines that are not ok.
  std::vector<std::string> warnings(look at, const std::vector<std::string>& words = {}) const {
    check_report out{nullptr};
    at(with(words), kernel, out);
    std::vector<std::string> result;
    for (const auto& line : out.lines())
      if (line.what != verdict::ok)
        result.push_back(line.text);
    CAF_CHECK(!out.lines().empty());
    return result;
  }

  std::vector<std::string> descriptor_warnings(descriptor_limits limits,
                                               const std::vector<std::string>& words = {}) const {
    check_report out{nullptr};
    check_descriptors(with(words), kernel, limits, out);
    std::vector<std::string> result;
    for (const auto& line : out.lines())
      if (line.what != verdict::ok)
        result.push_back(line.text);
    return result;
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(check_kernel_tests, fixture)

CAF_TEST(the settings of an ordinary host fit the defaults) {
  CAF_CHECK(warnings(check_connecting).empty());
  CAF_CHECK(warnings(check_ports_and_time_wait).empty());
  CAF_CHECK(descriptor_warnings({1024, 65536}).empty());
}

CAF_TEST(a short accept queue is named with the command) {
  set("net/core/somaxconn", "128");
  auto found = warnings(check_connecting);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "sysctl -w net.core.somaxconn=4096"));
  CAF_CHECK(warnings(check_connecting, {"--http.backlog=128"}).empty());
}

CAF_TEST(half open connections matter only without SYN cookies) {
  set("net/ipv4/tcp_max_syn_backlog", "256");
  CAF_CHECK(warnings(check_connecting).empty());
  set("net/ipv4/tcp_syncookies", "0");
  auto found = warnings(check_connecting);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "tcp_max_syn_backlog is 256"));
}

CAF_TEST(a setting that cannot be read is a warning) {
  std::filesystem::remove_all(root / "net");
  CAF_CHECK_EQUAL(warnings(check_connecting).size(), 2u);
  CAF_CHECK_EQUAL(warnings(check_ports_and_time_wait).size(), 1u);
}

CAF_TEST(a proxy needs a port for each connection) {
  auto found = warnings(check_ports_and_time_wait, {"--limits.connections-max=30000"});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "28232") && has(found.front(), "30000"));
  CAF_MESSAGE("workers share the port, so their connections add up");
  CAF_CHECK_EQUAL(warnings(check_ports_and_time_wait, {"--workers.count=3"}).size(), 1u);
}

CAF_TEST(a port to listen on is outside the range of outgoing ports) {
  auto found = warnings(check_ports_and_time_wait, {"--http.port=40000"});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "ip_local_reserved_ports=40000"));
  for (const char* reserved : {"40000", "39000-40000", "1,40000-40010,50000"}) {
    set("net/ipv4/ip_local_reserved_ports", reserved);
    CAF_CHECK(warnings(check_ports_and_time_wait, {"--http.port=40000"}).empty());
  }
  set("net/ipv4/ip_local_reserved_ports", "39000-39999");
  CAF_CHECK_EQUAL(warnings(check_ports_and_time_wait, {"--http.port=40000"}).size(), 1u);
}

CAF_TEST(each port to listen on is looked at) {
  auto found = warnings(check_ports_and_time_wait,
                        {"--workers.count=2", "--workers.port-base=40000", "--http.port=40010"});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "ip_local_reserved_ports=40001-40002,40010"));
  set("net/ipv4/ip_local_reserved_ports", "40010,50000");
  found = warnings(check_ports_and_time_wait,
                   {"--workers.count=2", "--workers.port-base=40000", "--http.port=40010"});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "ip_local_reserved_ports=40010,50000,40001-40002,"));
  CAF_CHECK(warnings(check_ports_and_time_wait, {"--workers.count=2", "--workers.port-base=9100"}).empty());
}

CAF_TEST(a wider range is advised together with the ports to reserve) {
  std::vector<std::string> words = {"--workers.count=3", "--workers.port-base=9100",
                                    "--storage.backend=mysql"};
  auto found = warnings(check_ports_and_time_wait, words);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "ip_local_reserved_ports=3306,8080,9101-9103, and then sysctl -w "
                               "net.ipv4.ip_local_port_range=\"1024 65535\""));
  CAF_MESSAGE("following it leaves nothing to say");
  set("net/ipv4/ip_local_reserved_ports", "3306,8080,9101-9103");
  set("net/ipv4/ip_local_port_range", "1024\t65535");
  CAF_CHECK(warnings(check_ports_and_time_wait, words).empty());
  CAF_MESSAGE("a database on another host listens on no port of this one");
  set("net/ipv4/ip_local_reserved_ports", "");
  set("net/ipv4/ip_local_port_range", "32768\t60999");
  words.emplace_back("--mysql.host=192.0.2.1");
  CAF_CHECK(!has(warnings(check_ports_and_time_wait, words).at(0), "3306"));
}

CAF_TEST(reuse of connections in TIME_WAIT is never asked for) {
  for (const char* value : {"0", "1", "2"}) {
    set("net/ipv4/tcp_tw_reuse", value);
    CAF_CHECK(warnings(check_ports_and_time_wait).empty());
  }
  CAF_MESSAGE("nor is a number of them: how many there are follows from closes, not from connections");
  set("net/ipv4/tcp_max_tw_buckets", "4096");
  CAF_CHECK(warnings(check_ports_and_time_wait).empty());
}

CAF_TEST(too few descriptors are reported with the limiting setting) {
  auto found = descriptor_warnings({1024, 4096});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(has(found.front(), "ulimit -n 10128") && !has(found.front(), "nr_open"));
  set("fs/nr_open", "4096");
  CAF_CHECK(has(descriptor_warnings({1024, 4096}).at(0), "sysctl -w fs.nr_open=10128"));
  set("fs/file-max", "20000");
  CAF_CHECK(descriptor_warnings({65536, 65536}).empty());
  CAF_CHECK(has(descriptor_warnings({65536, 65536}, {"--workers.count=2"}).at(0), "fs.file-max"));
  CAF_MESSAGE("a worker's own port has connections of its own");
  CAF_CHECK(has(descriptor_warnings({1024, 10128}, {"--workers.count=1", "--workers.port-base=9100"}).at(0),
                "10192 wanted"));
}

CAF_TEST(file systems that lose data are recognised) {
  CAF_CHECK_EQUAL(risk_of_file_system(0x01021994)->name, "tmpfs");
  CAF_CHECK_EQUAL(risk_of_file_system(0x6969)->name, "NFS");
  CAF_CHECK(!risk_of_file_system(0xef53));     // ext4
  CAF_CHECK(!risk_of_file_system(0x58465342)); // XFS
}

CAF_TEST_FIXTURE_SCOPE_END()
