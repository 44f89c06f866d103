#include "peers/tls_identity.hpp"

#include <openssl/err.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>

namespace beckon::peers {

namespace {

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE; this one does not.

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

int finish(BIO* bio, ssize_t n) {
  BIO_clear_retry_flags(bio);
  return static_cast<int>(n);
}

int write_quietly(BIO* bio, const char* data, int length) {
  const auto n = ::send(socket_of(bio), data, static_cast<size_t>(length), MSG_NOSIGNAL);
  const bool again = n < 0 && (errno == EAGAIN || errno == EINTR);
  finish(bio, n);
  if (again)
    BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int read_plainly(BIO* bio, char* data, int length) {
  const auto n = ::recv(socket_of(bio), data, static_cast<size_t>(length), 0);
  const bool again = n < 0 && (errno == EAGAIN || errno == EINTR);
  finish(bio, n);
  if (again)
    BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* quiet_socket() {
  static BIO_METHOD* method = [] {
    auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
    if (m != nullptr) {
      BIO_meth_set_write(m, write_quietly);
      BIO_meth_set_read(m, read_plainly);
      BIO_meth_set_ctrl(m, control);
    }
    return m;
  }();
  return method;
}

/// Changes whenever one of the files is replaced or written.
std::string stamp_of(const tls_files& files) {
  std::string result;
  for (const auto* path : {&files.cert, &files.key, &files.ca}) {
    struct stat s {};
    if (::stat(path->c_str(), &s) != 0)
      s = {};
    result += std::to_string(s.st_ino) + ':' + std::to_string(s.st_size) + ':'
              + std::to_string(s.st_mtim.tv_sec) + '.' + std::to_string(s.st_mtim.tv_nsec) + ' ';
  }
  return result;
}

bool take_files(SSL_CTX* context, const tls_files& files) {
  return SSL_CTX_use_certificate_chain_file(context, files.cert.c_str()) == 1
         && SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1
         && SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) == 1;
}

std::string with_reason(const char* what, unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string{what} + ": " + reason : what;
}

} // namespace

tls_identity::context_ptr tls_identity::load(const tls_files& files, std::string& problem) {
  problem = check_tls_files(files);
  if (!problem.empty())
    return nullptr;
  context_ptr context{SSL_CTX_new(TLS_method()), &SSL_CTX_free};
  if (context == nullptr || !take_files(context.get(), files)) {
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    problem = with_reason("the TLS files cannot be used", code);
    return nullptr;
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Nobody comes back with a ticket: each connection shows and verifies certificates anew.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

std::shared_ptr<tls_identity> tls_identity::make(const tls_files& files, std::string& problem) {
  std::shared_ptr<tls_identity> result{new tls_identity{files}};
  result->stamp_ = stamp_of(files);
  result->context_ = load(files, problem);
  return result->context_ ? result : nullptr;
}

void tls_identity::renew() {
  auto stamp = stamp_of(files_);
  if (stamp == stamp_)
    return;
  stamp_ = std::move(stamp);
  std::string problem;
  if (auto fresh = load(files_, problem)) {
    context_ = std::move(fresh);
    spdlog::info("cluster: the certificate files have changed and are in use for new connections");
  } else {
    spdlog::warn("cluster: the certificate files have changed and cannot be used; the former ones stay: {}",
                 problem);
  }
}

tls_session tls_identity::open_session(side which, int fd) {
  context_ptr context;
  {
    std::lock_guard<std::mutex> guard{mutex_};
    renew();
    context = context_;
  }
  ERR_clear_error();
  tls_session session{SSL_new(context.get())}; // keeps the context alive
  auto* method = quiet_socket();
  auto* bio = session && method != nullptr ? BIO_new(method) : nullptr;
  if (bio == nullptr)
    return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  if (which == side::accepting)
    SSL_set_accept_state(session.get());
  else
    SSL_set_connect_state(session.get());
  return session;
}

std::string tls_failure(const SSL* ssl) {
  const char* const closed = SSL_is_init_finished(ssl) != 0
                                 ? "it closed the connection"
                                 : "it closed the connection before TLS was agreed on";
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (const auto verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK)
    return std::string{"its certificate is not accepted here: "} + X509_verify_cert_error_string(verdict);
  if (code == 0)
    return closed;
  const int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) != ERR_LIB_SSL)
    return with_reason("TLS failed", code);
  if (reason >= SSL_AD_REASON_OFFSET)
    return with_reason("it does not accept this node's certificate or TLS", code);
  switch (reason) {
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    return "it shows no certificate";
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_HTTPS_PROXY_REQUEST:
  case SSL_R_PACKET_LENGTH_TOO_LONG:
  case SSL_R_UNEXPECTED_MESSAGE:
    return with_reason("it does not speak TLS", code);
  case SSL_R_UNEXPECTED_EOF_WHILE_READING:
    return closed;
  default:
    return with_reason("TLS failed", code);
  }
}

} // namespace beckon::peers
