#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

/// The room of the operating system: directories, limits, addresses, probes.
namespace beckon::apps {

/// This node's name: node.name, or the host's name.
std::string name_of_node(const config::configuration& cfg);

/// "http://127.0.0.1:8080", with brackets around an IPv6 address.
std::string url_of(const std::string& address, uint16_t port);

/// Creates a missing directory (0700) and checks that this user can write there. Returns the problem with
/// the remedy; empty if there is none.
std::string prepare_directory(const std::string& path);

/// The same check without creating anything. `missing`: the directory would have to be created.
std::string inspect_directory(const std::string& path, bool& missing);

/// The nearest parent that exists.
std::filesystem::path existing_parent(const std::filesystem::path& path);

/// Maximum number of descriptors for this process, after raise_descriptor_limit().
uint64_t descriptors_max();
/// Raises the soft limit to the hard one.
void raise_descriptor_limit();

/// Descriptors that one process of this configuration needs: for connections, including those on a
/// worker's own port, and for store files, wake-ups and the log.
uint64_t descriptors_wanted(const config::configuration& cfg);

} // namespace beckon::apps
