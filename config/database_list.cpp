#include "config/database_list.hpp"

#include "config/configuration.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace beckon::config {

namespace {

/// Most databases of one node; there are only this many user shards.
constexpr size_t databases_max = 256;

constexpr const char* replica_form =
    "write HOST:PORT, several separated by commas, like db2:3306, [::1]:3307";
constexpr const char* shard_form =
    "write HOST:PORT/DATABASE, several separated by commas, each followed by its replicas, if any, like "
    "db1:3306/users_0+db3:3306, db2:3306/users_1";

std::string_view trimmed(std::string_view s) {
  auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!s.empty() && is_space(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && is_space(s.back()))
    s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    auto end = text.find(at);
    out.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos)
      return out;
    text.remove_prefix(end + 1);
  }
}

bool read_port(std::string_view digits, uint16_t& port) {
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && port > 0;
}

bool read_address(std::string_view text, database_address& out) {
  read_port(find_key("mysql.port")->default_value, out.port); // where the text names none
  auto host_end = text.find(':');
  if (!text.empty() && text.front() == '[') {
    auto close = text.find(']');
    if (close == std::string_view::npos)
      return false;
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    host_end = 0;
    if (text.empty())
      return !out.host.empty();
    if (text.front() != ':')
      return false;
  } else {
    out.host = text.substr(0, host_end);
    if (host_end == std::string_view::npos)
      return !out.host.empty();
  }
  return !out.host.empty() && read_port(text.substr(host_end + 1), out.port);
}

bool read_shard(std::string_view text, shard_database& out) {
  auto words = split(text, '+');
  auto slash = words[0].find('/');
  if (slash == std::string_view::npos || !read_address(words[0].substr(0, slash), out.where))
    return false;
  out.name = words[0].substr(slash + 1);
  if (out.name.empty() || out.name.find('/') != std::string::npos)
    return false;
  for (size_t i = 1; i < words.size(); ++i)
    if (!read_address(words[i], out.replicas.emplace_back()))
      return false;
  return true;
}

template <class T, class Read>
parsed_list<T> read_list(std::string_view text, Read read, const char* form) {
  parsed_list<T> out;
  if (trimmed(text).empty())
    return out;
  for (auto word : split(text, ',')) {
    T one;
    if (!read(word, one)) {
      out.list.clear();
      out.problem = "\"" + std::string{word} + "\" cannot be read; " + form;
      return out;
    }
    out.list.push_back(std::move(one));
  }
  if (out.list.size() > databases_max) {
    out.list.clear();
    out.problem = "names more than " + std::to_string(databases_max);
  }
  return out;
}

} // namespace

parsed_list<database_address> read_replicas(std::string_view text) {
  return read_list<database_address>(text, read_address, replica_form);
}

parsed_list<shard_database> read_shard_databases(std::string_view text) {
  auto out = read_list<shard_database>(text, read_shard, shard_form);
  auto& list = out.list;
  for (auto i = list.begin(); i != list.end(); ++i) {
    auto same = [&](const shard_database& other) {
      return other.where.host == i->where.host && other.where.port == i->where.port && other.name == i->name;
    };
    if (std::any_of(list.begin(), i, same)) {
      out.problem = i->where.host + ":" + std::to_string(i->where.port) + "/" + i->name + " is named twice";
      list.clear();
      return out;
    }
  }
  return out;
}

} // namespace beckon::config
