#define CAF_SUITE peers.peer_refusals

#include "peer_fixture.hpp"
#include "test_certificates.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/io/basp/header.hpp>
#include <caf/message_id.hpp>
#include <caf/node_id.hpp>
#include <openssl/ssl.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <thread>

using namespace beckon::peers;
using namespace beckon::peers::test;
using caf::io::basp::message_type;

namespace {

transport_options with(const tls_files& files) {
  transport_options o = transport_options_from(beckon::config::configuration{});
  o.tls_cert = files.cert;
  o.tls_key = files.key;
  o.tls_ca = files.ca;
  return o;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct tls_fixture {
  certificate_workshop shop;
  tls_files ours;
  tls_files foreign;

  tls_fixture() {
    shop.make_authority("ours");
    shop.make_authority("foreign");
    ours = shop.make_node("node", "ours");
    foreign = shop.make_node("stranger", "foreign");
  }
};

/// A TLS client that accepts any certificate; shows one, or none with an empty name.
void call_with_tls(uint16_t port, const tls_files& shown) {
  raw_socket socket;
  socket.connect(port);
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  if (!shown.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), shown.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), shown.key.c_str(), SSL_FILETYPE_PEM);
  }
  std::unique_ptr<SSL, decltype(&SSL_free)> tls{SSL_new(context.get()), &SSL_free};
  SSL_set_fd(tls.get(), socket.fd());
  char first = 0;
  CAF_CHECK(SSL_connect(tls.get()) != 1 || SSL_read(tls.get(), &first, 1) <= 0);
}

std::string header(message_type operation, uint32_t body_bytes, uint64_t id = 0) {
  std::string result(caf::io::basp::header_size, '\0');
  result[0] = static_cast<char>(operation);
  for (size_t i = 0; i < 4; ++i)
    result[4 + i] = static_cast<char>(body_bytes >> (24 - 8 * i));
  for (size_t i = 0; i < 8; ++i)
    result[8 + i] = static_cast<char>(id >> (56 - 8 * i));
  return result;
}

/// What a node says first: here process 1 on a machine that does not exist.
std::string hello(caf::actor_system& sys) {
  std::vector<char> body;
  caf::binary_serializer sink{sys, body};
  auto id = caf::make_node_id(1, std::string(2 * caf::node_id::default_data::host_id_size, '7'));
  CAF_REQUIRE(id);
  CAF_REQUIRE(!sink(*id));
  return header(message_type::client_handshake, static_cast<uint32_t>(body.size()))
         + std::string{body.begin(), body.end()};
}

} // namespace

CAF_TEST(a foreign door is refused and both sides say so) {
  tls_fixture tls;
  std::ostringstream log;
  auto former = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  {
    peer a{with(tls.ours)};
    peer b{with(tls.foreign)};
    auto tried = b.connect(a.place());
    CAF_REQUIRE(!tried);
    CAF_CHECK(transport_errc_of(tried.error()) == transport_errc::refused);
    CAF_CHECK(has(describe_transport_error(tried.error()), "its certificate is not accepted here"));
    CAF_CHECK(a.turned_away.came("does not accept this node's certificate"));
  }
  spdlog::set_default_logger(former);
  CAF_MESSAGE(log.str());
  CAF_CHECK(has(log.str(), "[warning] cluster: turned away 127.0.0.1:"));
  CAF_CHECK(has(log.str(), "does not accept this node's certificate"));
}

CAF_TEST(a foreign caller is refused and both sides say so) {
  tls_fixture tls;
  peer a{with(tls.ours)};
  call_with_tls(a.port, tls.foreign);
  CAF_CHECK(a.turned_away.came("its certificate is not accepted here"));
  // This one trusts both authorities, so that it gets as far as to be refused.
  auto trusting = tls.foreign;
  trusting.ca = tls.shop.bundle("both.pem", {"ours.pem", "foreign.pem"});
  peer b{with(trusting)};
  auto tried = b.connect(a.place());
  CAF_REQUIRE(!tried);
  CAF_CHECK(transport_errc_of(tried.error()) == transport_errc::refused);
  CAF_CHECK(has(describe_transport_error(tried.error()), "does not accept this node's certificate"));
}

CAF_TEST(a caller without a certificate is refused) {
  tls_fixture tls;
  peer a{with(tls.ours)};
  call_with_tls(a.port, {});
  CAF_CHECK(a.turned_away.came("shows no certificate"));
}

CAF_TEST(plain TCP and TLS do not meet) {
  tls_fixture tls;
  peer secure{with(tls.ours)};
  peer plain;
  CAF_CHECK(has(plain.refusal_of(secure.place(), 300), "certificates"));
  CAF_CHECK(secure.turned_away.came("before TLS was agreed on"));
  CAF_CHECK_NOT_EQUAL(secure.refusal_of(plain.place()), "");
  CAF_CHECK(plain.turned_away.came("does not speak as a node does"));
  raw_socket browser;
  browser.connect(secure.port);
  browser.send("GET / HTTP/1.1\r\n\r\n");
  CAF_CHECK(browser.is_closed_by_other_side());
  CAF_CHECK(secure.turned_away.came("does not speak TLS"));
}

CAF_TEST(bytes that no node sends end their link and nothing else) {
  peer a;
  peer b;
  auto there = b.connect(a.place());
  CAF_REQUIRE(there);
  const uint64_t stream_id =
      caf::message_id{}.with_category(caf::message_id::downstream_message_category).integer_value();
  const std::string body = "12345";
  const auto known = hello(a.sys);
  const std::vector<std::string> wrong{
      std::string(64, '\xff'),
      header(message_type::direct_message, 5) + body,
      header(message_type::client_handshake, 0),
      header(message_type::client_handshake, 0xffffffff),
      known + header(message_type::direct_message, 0xffffffff),
      known + header(message_type::direct_message, 5, stream_id) + body,
      known + header(message_type::down_message, 0),
  };
  for (const auto& bytes : wrong) {
    raw_socket socket;
    socket.connect(a.port);
    socket.send(bytes);
    CAF_CHECK(socket.is_closed_by_other_side());
  }
  CAF_CHECK(a.turned_away.came("announced 4294967295 bytes"));
  CAF_CHECK(a.turned_away.came("did not say first which node it is"));
  CAF_CHECK(a.turned_away.came("stream message"));
  CAF_CHECK(b.answers(*there));
  peer c;
  auto anew = c.connect(a.place());
  CAF_REQUIRE(anew);
  CAF_CHECK(c.answers(*anew));
}

CAF_TEST(those who only hold on are bounded) {
  transport_options few = transport_options_from(beckon::config::configuration{});
  few.handshakes_max = 4;
  peer a{few};
  peer b;
  std::vector<std::unique_ptr<raw_socket>> crowd;
  for (int i = 0; i < 12; ++i) {
    crowd.push_back(std::make_unique<raw_socket>());
    crowd.back()->connect(a.port);
  }
  CAF_CHECK(crowd.front()->is_closed_by_other_side());
  CAF_CHECK(a.turned_away.came("did not say in time"));
  auto there = b.connect(a.place());
  CAF_REQUIRE(there);
  CAF_CHECK(b.answers(*there));
}

CAF_TEST(connections are bounded) {
  transport_options few = transport_options_from(beckon::config::configuration{});
  few.accepted_max = 2;
  peer a{few};
  peer b;
  peer c;
  peer d;
  CAF_REQUIRE(b.connect(a.place()));
  CAF_REQUIRE(c.connect(a.place()));
  CAF_CHECK_NOT_EQUAL(d.refusal_of(a.place()), "");
  CAF_CHECK(a.turned_away.came("no more are taken"));
}

CAF_TEST(a link that was ended makes room though the other side holds on) {
  transport_options few = transport_options_from(beckon::config::configuration{});
  few.accepted_max = 1;
  peer a{few};
  raw_socket holding;
  holding.connect(a.port);
  holding.send(hello(a.sys) + header(message_type::direct_message, 5)); // to nobody: CAF ends the link
  CAF_CHECK(holding.is_closed_by_other_side());
  peer b;
  auto start = std::chrono::steady_clock::now();
  while (!b.connect(a.place()) && ms_since(start) < 5000)
    std::this_thread::yield();
  CAF_CHECK_LESS(ms_since(start), 5000);
}

CAF_TEST(a silent caller costs no time where TLS is spoken) {
  tls_fixture tls;
  peer a{with(tls.ours)};
  raw_socket silent;
  silent.connect(a.port);
  peer b{with(tls.shop.make_node("b", "ours"))};
  auto there = b.connect(a.place()); // by now the silent one was accepted
  CAF_REQUIRE(there);
  auto used = [] {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
  };
  auto start = std::chrono::steady_clock::now();
  const auto before = used();
  while (ms_since(start) < 500)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  CAF_CHECK_LESS(used() - before, 250);
}
