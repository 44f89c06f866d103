#include "apps/beckon/commands/remote_catalog.hpp"

#include "apps/beckon/commands/catalog_document.hpp"
#include "json/json.hpp"
#include "net/message.hpp"

#include <algorithm>
#include <curl/curl.h>

namespace beckon::apps {

namespace {

constexpr size_t answer_bytes_max = size_t{512} * 1024 * 1024;
constexpr long connect_timeout_s = 5;
constexpr long call_timeout_s = 60;
constexpr long alive_timeout_s = 5;

size_t collect(const char* data, size_t size, size_t count, void* target) {
  auto* answer = static_cast<std::string*>(target);
  if (answer->size() + size * count > answer_bytes_max)
    return 0; // libcurl ends the call with an error
  answer->append(data, size * count);
  return size * count;
}

/// `detail` of a problem document, with its first error; otherwise the start of the text.
std::string reason_in(const std::string& body) {
  json::document doc;
  if (json::parse(body, doc) || !doc.IsObject() || !doc.HasMember("detail") || !doc["detail"].IsString())
    return json::clipped(body, 200);
  std::string result{json::view(doc["detail"])};
  auto errors = doc.FindMember("errors");
  if (errors != doc.MemberEnd() && errors->value.IsArray() && !errors->value.Empty())
    result += ": " + json::clipped(json::to_string(errors->value[0]), 400);
  return result;
}

uint64_t version_in(const std::string& list) {
  json::document doc;
  if (json::parse(list, doc) || !doc.IsObject())
    return 0;
  auto version = doc.FindMember("catalog_version");
  return version != doc.MemberEnd() && version->value.IsUint64() ? version->value.GetUint64() : 0;
}

} // namespace

struct remote_catalog::connection {
  connection()
      : handle(curl_easy_init()), headers(curl_slist_append(nullptr, "Content-Type: application/json")) {}
  ~connection() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  CURL* handle;
  curl_slist* headers;
  char error[CURL_ERROR_SIZE] = {};
};

remote_catalog::remote_catalog(std::string url)
    : connection_(std::make_unique<connection>()), url_(std::move(url)), timeout_s_(call_timeout_s) {
  while (!url_.empty() && url_.back() == '/')
    url_.pop_back();
}

remote_catalog::~remote_catalog() = default;

std::optional<std::string> remote_catalog::call(const char* method, const std::string& path,
                                                const std::string* body) {
  auto* curl = connection_->handle;
  if (!curl) {
    problem_ = "libcurl cannot be set up";
    return std::nullopt;
  }
  std::string answer;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, (url_ + path).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s_);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, connection_->error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  if (body) {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, connection_->headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->c_str());
  }
  connection_->error[0] = '\0';
  auto place = std::string{method} + ' ' + url_ + path;
  if (auto status = curl_easy_perform(curl); status != CURLE_OK) {
    problem_ = place + ": " + (connection_->error[0] ? connection_->error : curl_easy_strerror(status))
               + "; is the node running, and is the address right?";
    return std::nullopt;
  }
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  if (code >= 200 && code < 300)
    return answer;
  problem_ = place + ": status " + std::to_string(code) + ", " + reason_in(answer);
  return std::nullopt;
}

std::optional<storage::catalog_rows> remote_catalog::load() {
  auto settings = call("GET", "/v1/settings", nullptr);
  auto popups = settings ? call("GET", "/v1/popups", nullptr) : std::nullopt;
  if (!popups)
    return std::nullopt;
  std::vector<std::string> problems;
  auto document = read_catalog_document(*popups, problems);
  if (!problems.empty()) {
    problem_ =
        url_ + "/v1/popups: cannot be parsed, perhaps the node has another version: " + problems.front();
    return std::nullopt;
  }
  storage::catalog_rows rows;
  rows.settings = std::move(*settings);
  rows.version = version_in(*popups);
  for (auto& popup : document.popups)
    rows.popups.push_back({std::move(popup.id), 0, std::move(popup.document), 0, 0});
  std::sort(rows.popups.begin(), rows.popups.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return rows;
}

bool remote_catalog::alive() {
  timeout_s_ = alive_timeout_s;
  auto answer = call("GET", "/livez", nullptr);
  timeout_s_ = call_timeout_s;
  json::document doc;
  return answer && !json::parse(*answer, doc) && doc.IsObject() && doc.HasMember("alive");
}

bool remote_catalog::put_settings(const std::string& document) {
  return call("PUT", "/v1/settings", &document).has_value();
}

bool remote_catalog::put_popup(std::string_view id, const std::string& document) {
  return call("PUT", "/v1/popups/" + net::percent_encode(id), &document).has_value();
}

} // namespace beckon::apps
