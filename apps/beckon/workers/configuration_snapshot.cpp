#include "apps/beckon/workers/configuration_snapshot.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace beckon::apps {

namespace {

std::string reason_of(int error_number) {
  return std::generic_category().message(error_number);
}

/// A descriptor with the content, or -errno.
int keep(const std::string& content) {
  int fd = ::memfd_create("cluster.ini", MFD_CLOEXEC);
  if (fd < 0)
    return -errno;
  for (size_t done = 0; done < content.size();) {
    auto n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0) {
      int error = errno;
      ::close(fd);
      return -error;
    }
    done += static_cast<size_t>(n);
  }
  return fd;
}

/// Makes errors name the original file.
std::string with_name(std::string text, const std::string& path, const std::string& name) {
  for (auto at = text.find(path); at != std::string::npos; at = text.find(path, at + name.size()))
    text.replace(at, path.size(), name);
  return text;
}

} // namespace

snapshot_ptr configuration_snapshot::take(const config::sources& from, std::string& problem) {
  std::shared_ptr<configuration_snapshot> result{new configuration_snapshot};
  auto sources = from;
  if (!from.file.empty()) {
    std::ifstream in{from.file, std::ios::binary};
    std::string content{std::istreambuf_iterator<char>{in}, {}};
    result->fd_ = in.is_open() && !in.bad() ? keep(content) : -ENOENT;
    if (result->fd_ < 0) {
      problem = from.file + ": cannot be read: " + reason_of(-result->fd_);
      return nullptr;
    }
    sources.file = result->path();
  }
  auto values = config::read(sources);
  if (!values) {
    problem = config::describe(values.error());
    if (!from.file.empty())
      problem = with_name(std::move(problem), sources.file, from.file);
    return nullptr;
  }
  result->values_ = std::move(*values);
  return result;
}

configuration_snapshot::~configuration_snapshot() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::string configuration_snapshot::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

} // namespace beckon::apps
