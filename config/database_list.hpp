#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Keys that list databases, as text: "db1:3306, [::1]:3307".
namespace beckon::config {

struct database_address {
  std::string host;
  uint16_t port = 0;
};

/// One of the databases that hold users, with its read-only copies.
struct shard_database {
  database_address where;
  std::string name;
  std::vector<database_address> replicas;
};

/// A list, or what is wrong with its text and the expected form.
template <class T>
struct parsed_list {
  std::vector<T> list;
  std::string problem;
  explicit operator bool() const { return problem.empty(); }
};

/// "HOST[:PORT], ...": an IPv6 address in brackets. Empty text: none.
parsed_list<database_address> read_replicas(std::string_view text);

/// "HOST[:PORT]/DATABASE[+REPLICA[:PORT]...], ...", each place at most once. Empty text: none.
parsed_list<shard_database> read_shard_databases(std::string_view text);

} // namespace beckon::config
