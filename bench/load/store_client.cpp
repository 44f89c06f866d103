#include "bench/load/store_client.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::load {

namespace {

constexpr time_t timeout_s = 30;
constexpr size_t line_bytes_max = size_t{1} << 20;

std::string error_text(int code) {
  return std::generic_category().message(code);
}

} // namespace

void store_client::close() {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

bool store_client::connect(const node_address& node, std::string& problem) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{timeout_s, 0};
  if (fd_ >= 0 && setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0
      && setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0
      && ::connect(fd_, reinterpret_cast<const sockaddr*>(&node.where), sizeof(node.where)) == 0)
    return true;
  problem = node.url + ": " + error_text(errno);
  close();
  return false;
}

bool store_client::send(const std::string& bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    auto sent = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0)
      return false;
    at += static_cast<size_t>(sent);
  }
  return true;
}

store_client::outcome store_client::exchange(const node_address& node, const std::string& target,
                                             const body_taker& take, std::string& problem) {
  answer_.reset();
  auto fail = [&](const std::string& why) {
    problem = node.url + ": GET " + target + ": " + why;
    close();
    return outcome::failed;
  };
  if (!send("GET " + target + " HTTP/1.1\r\nHost: " + node.host + "\r\n\r\n"))
    return fail(error_text(errno));
  std::array<char, 65536> buffer;
  for (auto state = answer_parser::state::more; state != answer_parser::state::done;) {
    auto bytes = recv(fd_, buffer.data(), buffer.size(), 0);
    if (bytes < 0 && errno == EINTR)
      continue;
    if (bytes < 0)
      return fail(errno == EAGAIN ? "no answer in 30 s" : error_text(errno));
    state = bytes == 0 ? answer_.end() : answer_.feed({buffer.data(), static_cast<size_t>(bytes)});
    if (state == answer_parser::state::bad)
      return fail(answer_.problem());
    if (take && answer_.status() == 200 && !take(answer_.take_body())) {
      close();
      return outcome::stopped;
    }
  }
  if (!answer_.keep_alive())
    close();
  return outcome::done;
}

std::optional<store_client::reply> store_client::get(const std::string& target, std::string& problem) {
  // One more try than nodes: a kept connection may have been closed meanwhile.
  for (size_t i = 0; i <= nodes_.size(); ++i) {
    const auto& node = nodes_[node_ % nodes_.size()];
    bool kept = fd_ >= 0;
    if ((kept || connect(node, problem)) && exchange(node, target, {}, problem) == outcome::done)
      return reply{answer_.status(), answer_.take_body()};
    if (!kept)
      ++node_;
  }
  return std::nullopt;
}

bool store_client::stream(const std::string& target, const line_taker& take, std::string& problem) {
  std::string rest;
  auto take_lines = [&](const std::string& body) {
    rest += body;
    size_t at = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', at)) {
      if (!take(std::string_view{rest}.substr(at, end - at)))
        return false;
      at = end + 1;
    }
    rest.erase(0, at);
    return rest.size() <= line_bytes_max;
  };
  close(); // a listing cannot silently restart; a fresh connection makes that unlikely
  const auto& node = nodes_[node_ % nodes_.size()];
  if (!connect(node, problem))
    return false;
  auto result = exchange(node, target, take_lines, problem);
  if (result == outcome::stopped && problem.empty())
    problem = node.url + ": GET " + target + ": a line of more than 1 MiB";
  if (result != outcome::done)
    return false;
  if (answer_.status() != 200 || !rest.empty())
    problem = node.url + ": GET " + target + ": status " + std::to_string(answer_.status())
              + (rest.empty() ? "" : ", and the last line is cut");
  return answer_.status() == 200 && rest.empty();
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
                    || plain.find(c) != std::string_view::npos;
    if (is_plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

} // namespace beckon::load
