#include "config/value.hpp"

#include <string>
#include <utility>

namespace beckon::config {

namespace {

constexpr size_t line_columns_max = 100;

std::string_view section_of(const key& k) {
  return k.name.substr(0, k.name.rfind('.'));
}

/// Appends `text` broken at blanks, each line after `prefix`.
void append_wrapped(std::string& out, std::string_view prefix, std::string_view text) {
  while (!text.empty()) {
    auto room = line_columns_max - prefix.size();
    auto n = text.size();
    if (n > room) {
      n = text.rfind(' ', room);
      if (n == std::string_view::npos || n == 0)
        n = text.find(' ');
    }
    out.append(prefix).append(text.substr(0, n)).append("\n");
    text.remove_prefix(n >= text.size() ? text.size() : n + 1);
  }
}

/// The default as written in a file.
std::string written_default(const key& k) {
  if (k.type == value_type::text)
    return '"' + std::string{k.default_value} + '"';
  if (k.type == value_type::choice)
    return "'" + std::string{k.default_value} + "'";
  return std::string{k.default_value};
}

std::string type_text(const key& k) {
  if (k.type == value_type::text)
    return "text";
  if (k.type != value_type::integer)
    return describe_range(k);
  auto result = std::to_string(k.min) + " to " + std::to_string(k.max);
  if (!k.unit.empty())
    result.append(" ").append(k.unit);
  return result;
}

} // namespace

std::string reference_ini() {
  std::string out =
      R"(# Every key of Beckon with its default. Lines with # explain; remove the ; before a key to change it.
# Texts are in "double quotes", choices in 'single quotes', numbers and true/false unquoted.
# The environment (BECKON_HTTP_PORT=8081) overrides this file, and the command line (--http.port=8081) overrides both.
# An unknown key or a wrong value stops the start. "beckon help ini" generates this file.
#
# A single node needs no file at all. Three nodes of one cluster on one host need these keys. deploy/three-nodes/
# has files to start from, and docs/operating.md explains the steps:
#
#   node1.ini                  node2.ini                  node3.ini
#
#   [node]                     [node]                     [node]
#   name = "n1"                name = "n2"                name = "n3"
#   data-dir = "data/n1"       data-dir = "data/n2"       data-dir = "data/n3"
#   [http]                     [http]                     [http]
#   port = 8081                port = 8082                port = 8083
#   [cluster]                  [cluster]                  [cluster]
#   port = 7401                port = 7402                port = 7403
#
#   [storage]                  # the rest is the same in all three: sharing one database makes them a cluster
#   backend = 'mysql'
#   [mysql]
#   host = "127.0.0.1"
#   user = "beckon"
#   password-file = "data/mysql-password"
#   database = "beckon"
#
# On separate hosts the ports and directories may be the same. There each node sets in [cluster] the address at which
# the others reach it, and its certificate (address, tls-cert, tls-key, tls-ca).
)";
  for (const auto& s : sections()) {
    out.append("\n# ").append(s.text).append("\n[").append(s.name).append("]\n");
    bool first = true;
    for (const auto& k : keys()) {
      if (section_of(k) != s.name)
        continue;
      out += std::exchange(first, false) ? "" : "\n";
      append_wrapped(out, "# ", k.text);
      out.append("# ").append(type_text(k)).append("\n;");
      out.append(k.name.substr(s.name.size() + 1)).append(" = ").append(written_default(k)).append("\n");
    }
  }
  return out;
}

std::string reference_markdown() {
  std::string out = R"(# Configuration

`beckon help markdown` generates this page from the table in `config/keys.cpp`; change the table, not the page.

A node needs no configuration. A value comes from the last of these sources that sets it:

1. the default built into the program,
2. `cluster.ini` in the working directory, or the file named with `--config FILE`,
3. the environment: `http.port` is `BECKON_HTTP_PORT`; dots and dashes become underscores,
4. the command line: `--http.port=8081` or `--http.port 8081`.

An unknown key, a wrong type or a value out of bounds stops the start; the message names the file and line, the
variable or the argument, and the nearest known name. `beckon check` tries a configuration without starting a node.
)";
  for (const auto& s : sections()) {
    out.append("\n## `").append(s.name).append("`\n\n").append(s.text);
    out += "\n\n| key | default | values | what it does |\n|---|---|---|---|\n";
    for (const auto& k : keys()) {
      if (section_of(k) != s.name)
        continue;
      out.append("| `").append(k.name).append("` | `").append(written_default(k)).append("` | ");
      out.append(type_text(k)).append(" | ").append(k.text).append(" |\n");
    }
  }
  return out;
}

std::string reference_help() {
  std::string out;
  for (const auto& k : keys()) {
    out.append("  --").append(k.name).append("=").append(k.default_value).append("\n");
    append_wrapped(out, "      ", k.text);
  }
  return out;
}

} // namespace beckon::config
