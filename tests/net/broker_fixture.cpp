#include "broker_fixture.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace beckon::net::test {

// -- client -------------------------------------------------------------------

int client::prepared() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return fd;
}

client::client(uint16_t port, int receive_buffer_bytes) : fd_(prepared()) {
  if (receive_buffer_bytes > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  connect(port);
}

client::client(int prepared_socket, uint16_t port) : fd_(prepared_socket) {
  connect(port);
}

client::~client() {
  ::close(fd_);
}

void client::connect(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    throw std::runtime_error("test client: cannot connect");
}

bool client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void client::send_fin() {
  ::shutdown(fd_, SHUT_WR);
}

void client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd_);
  fd_ = -1;
}

bool client::fill() {
  std::array<char, 65536> bytes{};
  const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
  ended_ = n == 0 || (n < 0 && errno == ECONNRESET);
  reset_ = n < 0 && errno == ECONNRESET;
  if (n <= 0)
    return false;
  buffer_.append(bytes.data(), static_cast<size_t>(n));
  return true;
}

std::optional<std::string> client::line() {
  for (;;) {
    const auto end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      auto result = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return result;
    }
    if (!fill())
      return std::nullopt;
  }
}

bool client::take(size_t bytes, std::string& to) {
  while (buffer_.size() < bytes)
    if (!fill())
      return false;
  to.append(buffer_, 0, bytes);
  buffer_.erase(0, bytes);
  return true;
}

bool client::read_chunks(std::string& body) {
  for (;;) {
    const auto size = line();
    if (!size || size->empty())
      return false;
    const auto bytes = std::stoul(*size, nullptr, 16);
    std::string crlf;
    if (!take(bytes, body) || !take(2, crlf) || crlf != "\r\n")
      return false;
    if (bytes == 0)
      return true;
  }
}

reply client::next(bool head_only) {
  reply r;
  const auto first = line();
  if (!first || first->rfind("HTTP/1.1 ", 0) != 0)
    return r;
  const int status = std::stoi(first->substr(9, 3));
  for (;;) {
    const auto field = line();
    if (!field)
      return r;
    if (field->empty())
      break;
    const auto colon = field->find(": ");
    auto name = field->substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    r.fields[name] = field->substr(colon + 2);
  }
  bool whole = true;
  if (!head_only && r.fields.count("content-length") > 0)
    whole = take(std::stoul(r.fields["content-length"]), r.body);
  else if (!head_only && r.fields.count("transfer-encoding") > 0)
    whole = read_chunks(r.body);
  if (whole)
    r.status = status;
  return r;
}

std::string client::rest() {
  while (fill())
    continue;
  return std::exchange(buffer_, {});
}

std::string get(std::string_view path, std::string_view extra) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: test\r\n" + std::string{extra} + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view extra) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: test\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n" + std::string{extra} + "\r\n" + std::string{body};
}

// -- request actors -----------------------------------------------------------

namespace {

exchange_answer_ptr answer_to(const request_ptr& r, response what) {
  auto result = std::make_shared<exchange_answer>();
  result->id = r->id;
  result->what = std::move(what);
  return result;
}

response text(std::string body) {
  response r;
  r.content_type = "text/plain";
  r.body = std::move(body);
  return r;
}

request_actor::behavior_type at_once(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                     std::string body) {
  self->send(broker, answer_atom_v, answer_to(r, text(std::move(body))));
  self->quit();
  return {[](expire_atom) {}};
}

request_actor::behavior_type waiting(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                     desk* held, bool polite) {
  return {[=](expire_atom) {
    ++held->expired;
    if (polite) {
      self->send(broker, answer_atom_v, answer_to(r, make_unavailable("polite")));
      self->quit();
    }
  }};
}

enum class stream_kind { whole, stalled, cut, sparse };

streaming_request_actor::behavior_type streaming(streaming_request_actor::pointer self, request_ptr r,
                                                 http_broker_actor broker, stream_figures* figures,
                                                 uint64_t pieces, stream_kind kind) {
  self->send(broker, begin_atom_v, answer_to(r, text({})), streaming_request_actor{self});
  auto left = std::make_shared<uint64_t>(pieces);
  return {
      [](expire_atom) {},
      [=](more_atom) {
        if (kind == stream_kind::stalled)
          return;
        if (*left == 0) {
          if (kind == stream_kind::cut)
            self->send(broker, abort_atom_v, r->id.connection, r->id.sequence);
          else
            self->send(broker, finish_atom_v, r->id.connection, r->id.sequence);
          self->quit();
          return;
        }
        --*left;
        if (kind == stream_kind::sparse && *left > 0) {
          self->delayed_send(broker, std::chrono::milliseconds(60), piece_atom_v, r->id.connection,
                             r->id.sequence, std::string{});
          return;
        }
        ++figures->pieces;
        self->send(broker, piece_atom_v, r->id.connection, r->id.sequence, std::string(piece_bytes, 'p'));
      },
      [=](abort_atom) {
        ++figures->aborted;
        self->quit();
      },
  };
}

} // namespace

void desk::put(request_ptr r, http_broker_actor broker) {
  const std::lock_guard guard{mutex_};
  auto name = std::string{r->param("name")};
  held_[std::move(name)] = held{std::move(r), std::move(broker)};
}

bool desk::has(const std::string& name) {
  const std::lock_guard guard{mutex_};
  return held_.count(name) > 0;
}

void desk::answer(const std::string& name, response what) {
  if (!eventually([&] { return has(name); }))
    throw std::runtime_error("test desk: the request did not come");
  const std::lock_guard guard{mutex_};
  auto& h = held_[name];
  caf::anon_send(h.broker, answer_atom_v, answer_to(h.what, std::move(what)));
}

// -- server -------------------------------------------------------------------

std::vector<route> server::routes() {
  auto* held_ptr = &held;
  auto* figures = &stream;
  auto streams = [figures](stream_kind kind) {
    return [=](const spawn_place& s, request_ptr r, http_broker_actor b) -> request_actor {
      uint64_t pieces = kind == stream_kind::sparse ? 9 : 1;
      if (kind == stream_kind::whole)
        pieces = std::stoull(std::string{r->param("pieces")});
      return spawn_at(s, streaming, std::move(r), std::move(b), figures, pieces, kind);
    };
  };
  auto waits = [held_ptr](bool polite) {
    return [=](const spawn_place& s, request_ptr r, http_broker_actor b) {
      return spawn_at(s, waiting, std::move(r), std::move(b), held_ptr, polite);
    };
  };
  auto answers = [](std::string body) {
    return [body](const spawn_place& s, request_ptr r, http_broker_actor b) {
      return spawn_at(s, at_once, std::move(r), std::move(b), body);
    };
  };
  auto echo = [](const spawn_place& s, request_ptr r, http_broker_actor b) {
    auto body = r->body;
    return spawn_at(s, at_once, std::move(r), std::move(b), std::move(body));
  };
  auto hold = [held_ptr](const spawn_place& s, request_ptr r, http_broker_actor b) {
    held_ptr->put(r, b);
    return spawn_at(s, waiting, std::move(r), std::move(b), held_ptr, false);
  };
  auto method = [](const spawn_place& s, request_ptr r, http_broker_actor b) {
    auto name = std::string{to_string(r->method)};
    return spawn_at(s, at_once, std::move(r), std::move(b), std::move(name));
  };
  auto scrape = [this](const spawn_place& s, request_ptr r, http_broker_actor b) {
    auto count = std::to_string(static_cast<int>(metric("beckon_http_requests_total", "/fast")));
    return spawn_at(s, at_once, std::move(r), std::move(b), std::move(count));
  };
  auto failing = [](const spawn_place&, request_ptr, http_broker_actor) -> request_actor {
    throw std::runtime_error("no actor today");
  };
  auto quick = [](route r) {
    r.quick = true;
    return r;
  };
  const auto g = http_method::get;
  return {quick({{g, "/fast"}, answers("fast")}),
          quick({{http_method::post, "/echo"}, echo}),
          {{g, "/hold/{name}"}, hold},
          {{g, "/deaf"}, waits(false), 200},
          {{g, "/polite"}, waits(true), 200},
          {{g, "/throw"}, failing},
          {{g, "/big"}, answers(std::string(big_bytes, 'b'))},
          {{g, "/stream/{pieces}"}, streams(stream_kind::whole)},
          {{g, "/stall"}, streams(stream_kind::stalled), 200},
          {{g, "/cut"}, streams(stream_kind::cut)},
          {{g, "/sparse"}, streams(stream_kind::sparse), 200},
          {{http_method::post, "/hold/{name}"}, hold},
          {{g, "/method"}, method},
          {{g, "/scrape"}, scrape, 0, true}};
}

server::server(http_options options, const std::vector<route>& more)
    : registry_(std::make_shared<prometheus::Registry>()) {
  config_.load<caf::io::middleman>();
  config_.set("scheduler.policy", caf::atom("sharing"));
  config_.set("scheduler.max-threads", 2);
  system_ = std::make_unique<caf::actor_system>(config_);
  options.port = 0;
  auto l = open_listener(options);
  if (!l)
    throw std::runtime_error(system_->render(l.error()));
  port_ = l->port;
  auto table = routes();
  table.insert(table.end(), more.begin(), more.end());
  broker = spawn_http_broker(*system_, *l, options, std::move(table), registry_);
}

server::~server() {
  drain(0);
  broker = nullptr;
}

std::optional<uint64_t> server::drain(uint32_t grace_ms) {
  std::optional<uint64_t> result;
  caf::scoped_actor self{*system_};
  self->request(broker, std::chrono::seconds(20), drain_atom_v, grace_ms)
      .receive([&](uint64_t cut_off) { result = cut_off; }, [](const caf::error&) {});
  return result;
}

bool server::has_series(const std::string& name, const std::string& label_value) {
  for (auto& family : registry_->Collect())
    for (auto& m : family.metric)
      for (auto& label : m.label)
        if (family.name == name && label.value == label_value)
          return true;
  return false;
}

double server::metric(const std::string& name, const std::string& label_value) {
  double sum = 0;
  for (auto& family : registry_->Collect()) {
    if (family.name != name)
      continue;
    for (auto& m : family.metric) {
      const bool wanted = label_value.empty()
                          || std::any_of(m.label.begin(), m.label.end(),
                                         [&](auto& label) { return label.value == label_value; });
      if (wanted)
        sum += m.counter.value + m.gauge.value;
    }
  }
  return sum;
}

} // namespace beckon::net::test
