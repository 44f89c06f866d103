#pragma once

#include "peers/tls_identity.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <vector>

namespace beckon::peers::test {

/// The properties of a test certificate that is otherwise valid.
struct certificate_wish {
  long from_s = -3600; // seconds from now
  long until_s = 3600;
  const char* usage = nullptr; // extendedKeyUsage, like "serverAuth"; null: none
};

/// Certificates in a directory of their own, made as they are asked for.
class certificate_workshop {
 public:
  certificate_workshop() {
    auto name = (std::filesystem::temp_directory_path() / "beckon-tls-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::runtime_error("no scratch directory");
    directory_ = name;
  }
  ~certificate_workshop() { std::filesystem::remove_all(directory_); }
  certificate_workshop(const certificate_workshop&) = delete;

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  /// A new authority; its certificate is in NAME.pem.
  void make_authority(const std::string& name) {
    authority a;
    a.key = key_ptr{EVP_EC_gen("P-256")};
    a.certificate = make_certificate(name, a.key.get(), nullptr, {});
    write_certificate(name + ".pem", a.certificate.get());
    authorities_.push_back(std::move(a));
    names_.push_back(name);
  }

  /// A node's certificate and key in NAME.pem and NAME.key, signed by one of the authorities.
  tls_files make_node(const std::string& name, const std::string& signed_by,
                      const certificate_wish& wish = {}) {
    const auto& a = find(signed_by);
    key_ptr key{EVP_EC_gen("P-256")};
    auto certificate = make_certificate(name, key.get(), &a, wish);
    write_certificate(name + ".pem", certificate.get());
    write_key(name + ".key", key.get());
    return {path(name + ".pem"), path(name + ".key"), path(signed_by + ".pem")};
  }

  /// A key under a passphrase, in NAME.key.
  std::string make_locked_key(const std::string& name) const {
    key_ptr key{EVP_EC_gen("P-256")};
    file_ptr file{std::fopen(path(name + ".key").c_str(), "we")};
    PEM_write_PKCS8PrivateKey(file.get(), key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
    return path(name + ".key");
  }

  /// Several files of this workshop as one.
  std::string bundle(const std::string& name, const std::vector<std::string>& parts) const {
    std::ofstream out{path(name)};
    for (const auto& part : parts)
      out << std::ifstream{path(part)}.rdbuf();
    return path(name);
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream{path(name)} << text; }

 private:
  struct free_them {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using key_ptr = std::unique_ptr<EVP_PKEY, free_them>;
  using x509_ptr = std::unique_ptr<X509, free_them>;
  using file_ptr = std::unique_ptr<std::FILE, free_them>;
  struct authority {
    key_ptr key;
    x509_ptr certificate;
  };

  const authority& find(const std::string& name) const {
    for (size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name)
        return authorities_[i];
    throw std::logic_error("no such authority");
  }

  /// Signed by itself when there is no issuer.
  x509_ptr make_certificate(const std::string& name, EVP_PKEY* key, const authority* issuer,
                            const certificate_wish& wish) {
    x509_ptr c{X509_new()};
    X509_set_version(c.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), wish.from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), wish.until_s);
    X509_set_pubkey(c.get(), key);
    auto* subject = X509_get_subject_name(c.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(c.get(),
                         issuer != nullptr ? X509_get_subject_name(issuer->certificate.get()) : subject);
    if (issuer == nullptr)
      extend(c.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (wish.usage != nullptr)
      extend(c.get(), NID_ext_key_usage, wish.usage);
    X509_sign(c.get(), issuer != nullptr ? issuer->key.get() : key, EVP_sha256());
    return c;
  }

  static void extend(X509* c, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, c, c, nullptr, nullptr, 0);
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(c, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void write_certificate(const std::string& name, X509* certificate) const {
    file_ptr file{std::fopen(path(name).c_str(), "we")};
    PEM_write_X509(file.get(), certificate);
  }

  void write_key(const std::string& name, EVP_PKEY* key) const {
    file_ptr file{std::fopen(path(name).c_str(), "we")};
    PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  }

  std::filesystem::path directory_;
  std::vector<authority> authorities_;
  std::vector<std::string> names_;
  long serial_ = 0;
};

} // namespace beckon::peers::test
