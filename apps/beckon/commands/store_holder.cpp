#include "apps/beckon/commands/store_holder.hpp"

#include "apps/beckon/host/host.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace beckon::apps {

namespace {

constexpr const char* tcp_listening = "0A";

/// The process that holds the file's flock; 0: unknown.
pid_t locker_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return 0;
  std::array<char, 64> wanted{};
  std::snprintf(wanted.data(), wanted.size(), "%02x:%02x:%llu", major(info.st_dev), minor(info.st_dev),
                static_cast<unsigned long long>(info.st_ino));
  std::ifstream locks{"/proc/locks"};
  for (std::string line; std::getline(locks, line);) {
    // "1: FLOCK  ADVISORY  WRITE 4711 08:01:123456 0 EOF"; a waiting process has "->" after the number.
    std::istringstream words{line};
    std::string number, kind, mode, access, file;
    pid_t pid = 0;
    if (words >> number >> kind >> mode >> access >> pid >> file && kind == "FLOCK" && file == wanted.data())
      return pid;
  }
  return 0;
}

/// The sockets that a process has open, by inode.
std::set<std::string> sockets_of(pid_t pid) {
  std::set<std::string> result;
  std::error_code status;
  std::filesystem::directory_iterator entries{"/proc/" + std::to_string(pid) + "/fd", status};
  for (; !status && entries != std::filesystem::directory_iterator{}; entries.increment(status)) {
    std::error_code gone; // a descriptor may be closed while we look
    auto target = std::filesystem::read_symlink(entries->path(), gone).string();
    constexpr std::string_view head = "socket:[";
    if (!gone && target.compare(0, head.size(), head) == 0)
      result.insert(target.substr(head.size(), target.size() - head.size() - 1));
  }
  return result;
}

/// Converts "0100007F:1F90", as /proc/net writes it (32-bit words in host order), to a URL.
std::string url_from(const std::string& place) {
  auto colon = place.find(':');
  if (colon != 8 && colon != 32)
    return {};
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < colon / 8; ++i)
    words[i] = static_cast<uint32_t>(std::stoul(place.substr(i * 8, 8), nullptr, 16));
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!inet_ntop(colon == 8 ? AF_INET : AF_INET6, words.data(), text.data(), text.size()))
    return {};
  return url_of(text.data(), static_cast<uint16_t>(std::stoul(place.substr(colon + 1), nullptr, 16)));
}

/// Adds the listening address of one of the sockets.
void add_places(const char* table, const std::set<std::string>& sockets, std::vector<std::string>& urls) {
  std::ifstream in{table};
  std::string line;
  std::getline(in, line); // the head of the table
  while (std::getline(in, line)) {
    std::istringstream words{line};
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    if (words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout
            >> inode
        && state == tcp_listening && sockets.count(inode) != 0) {
      if (auto url = url_from(local); !url.empty())
        urls.push_back(std::move(url));
    }
  }
}

} // namespace

std::string store_lock_path(const config::configuration& cfg) {
  return cfg.text("node.data-dir") + "/beckon.db.lock";
}

store_holder holder_of(const std::string& lock_path) {
  store_holder result;
  result.pid = locker_of(lock_path);
  if (result.pid == 0)
    return result;
  auto sockets = sockets_of(result.pid);
  add_places("/proc/net/tcp", sockets, result.urls);
  add_places("/proc/net/tcp6", sockets, result.urls);
  return result;
}

std::string way_through(const store_holder& holder) {
  if (!holder.urls.empty())
    return "Process " + std::to_string(holder.pid) + " listens on " + holder.urls.front()
           + "; if it is a running node, go through it: --url " + holder.urls.front();
  return "If that process is a running node, go through it: --url http://HOST:PORT of that node";
}

} // namespace beckon::apps
