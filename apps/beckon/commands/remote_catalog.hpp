#pragma once

#include "storage/rows.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::apps {

/// The catalogue of a running node, through its HTTP API. Used by one thread.
/// Bounds: 5 s to connect, 60 s a call (5 s for alive()), 512 MiB an answer. Follows no redirects.
class remote_catalog {
 public:
  /// `url`: "http://127.0.0.1:8080". Reaches nothing yet.
  explicit remote_catalog(std::string url);
  ~remote_catalog();

  /// Settings, popups as stored, sorted by id, and the catalogue's version; empty on an error. Revisions and
  /// times are left out.
  std::optional<storage::catalog_rows> load();
  /// Whether a node says there that it is alive.
  bool alive();
  bool put_settings(const std::string& document);
  bool put_popup(std::string_view id, const std::string& document);

  /// What went wrong in the last call that did, with the remedy.
  const std::string& problem() const { return problem_; }

 private:
  /// The answer's body when its status is 2xx.
  std::optional<std::string> call(const char* method, const std::string& path, const std::string* body);

  struct connection;
  std::unique_ptr<connection> connection_;
  std::string url_;
  long timeout_s_;
  std::string problem_;
};

} // namespace beckon::apps
