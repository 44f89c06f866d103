#define CAF_SUITE peers.tls_identity

#include "peers/tls_identity.hpp"

#include "peers/peer_transport.hpp"
#include "test_certificates.hpp"

#include <caf/test/dsl.hpp>

using namespace beckon::peers;
using namespace beckon::peers::test;

namespace {

constexpr long day_s = 24 * 3600;

struct fixture {
  certificate_workshop shop;
  tls_files good;

  fixture() {
    shop.make_authority("ours");
    shop.make_authority("foreign");
    good = shop.make_node("node", "ours");
  }

  bool complains(const tls_files& files, const std::string& about, const std::string& what) {
    auto problem = check_tls_files(files);
    CAF_MESSAGE(problem);
    return problem.find(about) != std::string::npos && problem.find(what) != std::string::npos;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tls_identity_tests, fixture)

CAF_TEST(files that belong together are accepted) {
  CAF_CHECK_EQUAL(check_tls_files(good), "");
  CAF_CHECK_EQUAL(check_tls_files(shop.make_node("both", "ours", {-60, 60, "serverAuth,clientAuth"})), "");
}

CAF_TEST(missing and empty files are named) {
  for (auto field : {&tls_files::cert, &tls_files::key, &tls_files::ca}) {
    auto files = good;
    files.*field = shop.path("nowhere.pem");
    CAF_CHECK(complains(files, "nowhere.pem", "No such file"));
    shop.write("text.pem", "no certificate\n");
    files.*field = shop.path("text.pem");
    CAF_CHECK(complains(files, "text.pem", "in PEM"));
  }
}

CAF_TEST(a key of another certificate is refused) {
  auto files = good;
  files.key = shop.make_node("other", "ours").key;
  CAF_CHECK(complains(files, "cluster.tls-key", "not the key"));
}

CAF_TEST(a key with a passphrase is refused and nobody is asked) {
  auto files = good;
  files.key = shop.make_locked_key("locked");
  CAF_CHECK(complains(files, "cluster.tls-key", "passphrase"));
}

CAF_TEST(a certificate of another authority is refused) {
  auto files = shop.make_node("stranger", "foreign");
  files.ca = good.ca;
  CAF_CHECK(complains(files, "cluster.tls-cert", "CA must have signed"));
}

CAF_TEST(certificates out of their time are refused) {
  CAF_CHECK(complains(shop.make_node("old", "ours", {-2 * day_s, -day_s}), "cluster.tls-cert", "expired"));
  CAF_CHECK(complains(shop.make_node("new", "ours", {day_s, 2 * day_s}), "cluster.tls-cert", "clock"));
}

CAF_TEST(a certificate for one side only is refused) {
  CAF_CHECK(
      complains(shop.make_node("s", "ours", {-60, 60, "serverAuth"}), "cluster.tls-cert", "clientAuth"));
  CAF_CHECK(
      complains(shop.make_node("c", "ours", {-60, 60, "clientAuth"}), "cluster.tls-cert", "serverAuth"));
}

CAF_TEST(addresses and certificates must fit each other) {
  transport_options o = transport_options_from(beckon::config::configuration{});
  CAF_CHECK_EQUAL(check_transport(o), "");
  o.address = "::1";
  CAF_CHECK_EQUAL(check_transport(o), "");
  for (auto address : {"0.0.0.0", "10.1.2.3", "::", "192.168.0.1"}) {
    o.address = address;
    CAF_CHECK_NOT_EQUAL(check_transport(o), "");
  }
  o.tls_cert = good.cert;
  CAF_CHECK(check_transport(o).find("all three") != std::string::npos);
  o.tls_key = good.key;
  o.tls_ca = good.ca;
  CAF_CHECK_EQUAL(check_transport(o), "");
  o.address = "localhost";
  CAF_CHECK(check_transport(o).find("IP address") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
