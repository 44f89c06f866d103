#pragma once

#include "storage/rows.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::apps {

/// The catalogue of a running node, through its HTTP API. Used by one thread.
/// Bounds: 5 s to connect, 60 s per call (5 s for alive()), 512 MiB per answer. Follows no redirects.
class remote_catalog {
 public:
  /// `url`: "http://127.0.0.1:8080". Does not connect yet.
  explicit remote_catalog(std::string url);
  ~remote_catalog();

  /// Settings, popups as stored, sorted by id, and the catalogue's version, without revisions and times;
  /// empty on an error.
  std::optional<storage::catalog_rows> load();
  /// Whether a node answers there that it is alive.
  bool alive();
  bool put_settings(const std::string& document);
  bool put_popup(std::string_view id, const std::string& document);

  /// The error of the last failed call, with the remedy.
  const std::string& problem() const { return problem_; }

 private:
  /// The answer's body if its status is 2xx.
  std::optional<std::string> call(const char* method, const std::string& path, const std::string* body);

  struct connection;
  std::unique_ptr<connection> connection_;
  std::string url_;
  long timeout_s_;
  std::string problem_;
};

} // namespace beckon::apps
