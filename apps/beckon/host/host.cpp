#include "apps/beckon/host/host.hpp"

#include "actors/node/node.hpp"
#include "base/address_text.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <filesystem>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace beckon::apps {

namespace {

std::string reason_of(int error_number) {
  return std::generic_category().message(error_number);
}

std::string remedy(const std::string& path, const std::string& reason) {
  return path + ": " + reason
         + "; give this user access to the directory, or choose another with --node.data-dir=DIR";
}

/// Like mkdir -p, except that only the last directory is private to this user.
std::string make_directory(const std::filesystem::path& path) {
  std::error_code status;
  if (path.has_parent_path())
    std::filesystem::create_directories(path.parent_path(), status);
  if (status)
    return remedy(path.string(), "cannot be made: " + status.message());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return remedy(path.string(), "cannot be made: " + reason_of(errno));
  return {};
}

} // namespace

std::string name_of_node(const config::configuration& cfg) {
  if (const auto& name = cfg.text("node.name"); !name.empty())
    return name;
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0' ? host.data() : "node";
}

std::filesystem::path existing_parent(const std::filesystem::path& path) {
  std::error_code status;
  auto parent = std::filesystem::absolute(path, status).parent_path();
  while (!parent.empty() && parent != parent.root_path() && !std::filesystem::exists(parent, status))
    parent = parent.parent_path();
  return parent;
}

std::string url_of(const std::string& address, uint16_t port) {
  return "http://" + base::host_and_port(address, port);
}

std::string inspect_directory(const std::string& path, bool& missing) {
  struct stat info {};
  missing = false;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT)
      return remedy(path, "cannot be looked at: " + reason_of(errno));
    missing = true;
    auto parent = existing_parent(path);
    if (::access(parent.c_str(), W_OK | X_OK) != 0)
      return remedy(path, "is missing and cannot be made in " + parent.string() + ": " + reason_of(errno));
    return {};
  }
  if (!S_ISDIR(info.st_mode))
    return remedy(path, "is no directory");
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return remedy(path, "cannot be written: " + reason_of(errno));
  return {};
}

std::string prepare_directory(const std::string& path) {
  bool missing = false;
  if (auto problem = inspect_directory(path, missing); !problem.empty() || !missing)
    return problem;
  std::filesystem::path plain = path;
  while (plain.has_parent_path() && plain.filename().empty())
    plain = plain.parent_path();
  return make_directory(plain);
}

uint64_t descriptors_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}

uint64_t descriptors_wanted(const config::configuration& cfg) {
  constexpr uint64_t reserve = 128;
  auto own_port = cfg.integer("workers.count") > 0 && cfg.integer("workers.port-base") > 0;
  return static_cast<uint64_t>(cfg.integer("limits.connections-max")) + reserve
         + (own_port ? actors::own_port_connections_max : 0);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  // On failure the limit stays as it was; the start compares it with the need and warns.
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace beckon::apps
