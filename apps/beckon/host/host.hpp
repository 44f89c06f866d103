#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

/// The room of what the commands ask of the operating system.
///
/// What the operating system allows and tells.
namespace beckon::apps {

/// What this node is called: node.name, or the host's name.
std::string name_of_node(const config::configuration& cfg);

/// "http://127.0.0.1:8080", with brackets around an IPv6 address.
std::string url_of(const std::string& address, uint16_t port);

/// Makes the directory (0700) when it is missing and checks that this user can write there. Returns what is
/// wrong, with the remedy; empty when all is well.
std::string prepare_directory(const std::string& path);

/// The same check without making anything. `missing` says that it would have to be made.
std::string inspect_directory(const std::string& path, bool& missing);

/// The nearest parent that exists.
std::filesystem::path existing_parent(const std::filesystem::path& path);

/// Open descriptors that this process may have at most, after raise_descriptor_limit().
uint64_t descriptors_max();
/// Raises the soft limit to the hard one.
void raise_descriptor_limit();

/// Descriptors that one process of this configuration needs: for connections, also those on a worker's own
/// port, and besides for store files, wake-ups and the log.
uint64_t descriptors_wanted(const config::configuration& cfg);

} // namespace beckon::apps
