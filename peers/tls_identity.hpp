#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace beckon::peers {

/// PEM files: this node's certificate (with intermediate ones after it), its key, and who signs nodes.
struct tls_files {
  std::string cert;
  std::string key;
  std::string ca;
};

struct tls_session_delete {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using tls_session = std::unique_ptr<SSL, tls_session_delete>;

/// Empty, or what is wrong with the files and what to do, one problem a line: each must be readable and
/// parse, the key be that of the certificate, and the certificate be signed by the CA, in its time, and
/// allowed for both sides of a connection.
std::string check_tls_files(const tls_files& files);

/// What this node shows to others, and whom it trusts: TLS 1.2 or later, certificates of both sides demanded
/// and verified against `ca` alone. Files that have changed are read again before the next session, so that a
/// renewed certificate needs no restart; while the new ones are wrong the old ones stay, with a warning.
/// Runs on: any thread.  Blocks: for three stat() calls, and reading the files when they changed.
class tls_identity {
 public:
  /// Null, with `problem` set, when the files are wrong.
  static std::shared_ptr<tls_identity> make(const tls_files& files, std::string& problem);

  enum class side : uint8_t { accepting, connecting };
  /// A session on a connected, non-blocking socket, which it does not own. Null when memory runs out.
  tls_session open_session(side which, int fd);

 private:
  explicit tls_identity(tls_files files) : files_(std::move(files)) {}
  void renew();

  using context_ptr = std::shared_ptr<SSL_CTX>;
  static context_ptr load(const tls_files& files, std::string& problem);

  const tls_files files_;
  std::mutex mutex_;
  context_ptr context_;
  std::string stamp_; // of the files when they were last looked at
};

/// Why the session's last call failed, for people; takes the thread's OpenSSL errors. Call it on the thread
/// and right after the call.
std::string tls_failure(const SSL* ssl);

} // namespace beckon::peers
