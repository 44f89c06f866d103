#include "peers/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace beckon::peers {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using file_ptr = std::unique_ptr<std::FILE, freed_by<&std::fclose>>;
using x509_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using store_ptr = std::unique_ptr<X509_STORE, freed_by<&X509_STORE_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<&X509_STORE_CTX_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free>>;

void free_stack(STACK_OF(X509) * all) {
  sk_X509_pop_free(all, X509_free);
}
using stack_ptr = std::unique_ptr<STACK_OF(X509), freed_by<&free_stack>>;

/// One file of PEM, opened; or the problem.
file_ptr open_pem(const std::string& key, const std::string& path, std::string& problems) {
  file_ptr file{std::fopen(path.c_str(), "re")};
  if (!file)
    problems += key + ": cannot read " + path + ": " + std::generic_category().message(errno)
                + "; correct the path or the file's permissions\n";
  return file;
}

/// A key with a passphrase is refused rather than asked for on a terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

stack_ptr read_certificates(const std::string& key, const std::string& path, std::string& problems) {
  auto file = open_pem(key, path, problems);
  if (!file)
    return nullptr;
  stack_ptr all{sk_X509_new_null()};
  while (auto* one = PEM_read_X509(file.get(), nullptr, nullptr, nullptr))
    sk_X509_push(all.get(), one);
  ERR_clear_error(); // the end of the file counts as one
  if (sk_X509_num(all.get()) > 0)
    return all;
  problems += key + ": " + path + " has no certificate in PEM (-----BEGIN CERTIFICATE-----)\n";
  return nullptr;
}

key_ptr read_key(const std::string& path, std::string& problems) {
  auto file = open_pem("cluster.tls-key", path, problems);
  if (!file)
    return nullptr;
  bool asked = false;
  key_ptr key{PEM_read_PrivateKey(file.get(), nullptr, no_passphrase, &asked)};
  ERR_clear_error();
  if (!key)
    problems += "cluster.tls-key: " + path
                + (asked ? " needs a passphrase; store the key without one, readable for this user only\n"
                         : " has no private key in PEM (-----BEGIN PRIVATE KEY-----)\n");
  return key;
}

std::string text_of(const ASN1_TIME* time) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  if (!out || ASN1_TIME_print(out.get(), time) != 1)
    return "?";
  std::array<char, 64> text{};
  const int length = BIO_read(out.get(), text.data(), text.size());
  return {text.data(), static_cast<size_t>(length > 0 ? length : 0)};
}

std::string remedy_for(int code, X509* about) {
  switch (code) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return " (on " + text_of(X509_get0_notAfter(about)) + "); renew it";
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return " (before " + text_of(X509_get0_notBefore(about)) + "); check this machine's clock";
  case X509_V_ERR_INVALID_PURPOSE:
    return "; it must allow both serverAuth and clientAuth";
  default:
    return "; the cluster's CA must have signed it";
  }
}

/// Verifies the certificate as a peer will, for one side of a connection.
std::string verify(const tls_files& files, STACK_OF(X509) * chain, X509_STORE* trusted, int purpose) {
  store_context_ptr context{X509_STORE_CTX_new()};
  auto* own = sk_X509_value(chain, 0);
  if (!context || X509_STORE_CTX_init(context.get(), trusted, own, chain) != 1)
    return "cluster.tls-cert: cannot be verified: out of memory\n";
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  if (X509_verify_cert(context.get()) == 1)
    return {};
  const int code = X509_STORE_CTX_get_error(context.get());
  auto* about = X509_STORE_CTX_get_current_cert(context.get());
  ERR_clear_error();
  return "cluster.tls-cert: " + files.cert + " is not accepted with the CA in " + files.ca + ": "
         + X509_verify_cert_error_string(code) + remedy_for(code, about != nullptr ? about : own) + "\n";
}

} // namespace

std::string check_tls_files(const tls_files& files) {
  std::string problems;
  auto chain = read_certificates("cluster.tls-cert", files.cert, problems);
  auto key = read_key(files.key, problems);
  auto ca = read_certificates("cluster.tls-ca", files.ca, problems);
  if (chain && key && X509_check_private_key(sk_X509_value(chain.get(), 0), key.get()) != 1)
    problems += "cluster.tls-key: " + files.key + " is not the key of the certificate in " + files.cert
                + "; put the two that belong together\n";
  store_ptr trusted{X509_STORE_new()};
  if (chain && ca && trusted) {
    for (int i = 0; i < sk_X509_num(ca.get()); ++i)
      X509_STORE_add_cert(trusted.get(), sk_X509_value(ca.get(), i));
    auto as_server = verify(files, chain.get(), trusted.get(), X509_PURPOSE_SSL_SERVER);
    problems +=
        as_server.empty() ? verify(files, chain.get(), trusted.get(), X509_PURPOSE_SSL_CLIENT) : as_server;
  }
  ERR_clear_error();
  if (!problems.empty())
    problems.pop_back(); // the last line's end
  return problems;
}

} // namespace beckon::peers
