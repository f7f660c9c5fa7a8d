// Who is who, for the DTLS example: an authority, and the certificates that it issues.
#pragma once

#include <openssl/evp.h>     // for EVP_PKEY, EVP_EC_gen
#include <openssl/ssl.h>     // for SSL_CTX
#include <openssl/x509.h>    // for X509
#include <openssl/x509v3.h>  // for X509V3_EXT_conf_nid

#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error
#include <string>     // for string

/// What an OpenSSL function gave, or an exception where it gave nothing.
template <class T>
T made(T what) {
  if (!what) throw std::runtime_error("OpenSSL refused");
  return what;
}

struct free_openssl {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL* session) const noexcept { SSL_free(session); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, free_openssl>;

/// A key and the certificate for it.
struct credentials {
  openssl_ptr<EVP_PKEY> key;
  openssl_ptr<X509> certificate;
};

/// Issues certificates for an hour. A real one keeps its key somewhere safe.
class authority {
 public:
  explicit authority(const std::string& name)
      : own_(issue_for(name, NID_basic_constraints, "critical,CA:TRUE", nullptr)) {}

  [[nodiscard]] credentials issue(const std::string& name) const {
    return issue_for(name, NID_subject_alt_name, "DNS:" + name, &own_);
  }

  /// A context that shows `mine`, and accepts only peers to whom this authority has issued.
  [[nodiscard]] openssl_ptr<SSL_CTX> context(const credentials& mine) const {
    openssl_ptr<SSL_CTX> out(made(SSL_CTX_new(DTLS_method())));
    made(SSL_CTX_set_min_proto_version(out.get(), DTLS1_2_VERSION));
    made(SSL_CTX_use_certificate(out.get(), mine.certificate.get()));
    made(SSL_CTX_use_PrivateKey(out.get(), mine.key.get()));
    made(X509_STORE_add_cert(SSL_CTX_get_cert_store(out.get()), own_.certificate.get()));
    SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return out;
  }

 private:
  static credentials issue_for(const std::string& name, int extension, const std::string& value,
                               const credentials* by) {
    credentials out{openssl_ptr<EVP_PKEY>(made(EVP_EC_gen("P-256"))),
                    openssl_ptr<X509>(made(X509_new()))};
    X509* const certificate = out.certificate.get();
    made(X509_set_version(certificate, X509_VERSION_3));
    made(ASN1_INTEGER_set(X509_get_serialNumber(certificate), by ? 2 : 1));
    made(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    made(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    made(X509_set_pubkey(certificate, out.key.get()));
    X509_NAME* const subject = X509_get_subject_name(certificate);
    made(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                    0));
    made(X509_set_issuer_name(certificate,
                              by ? X509_get_subject_name(by->certificate.get()) : subject));
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> what(
        made(X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str())),
        &X509_EXTENSION_free);
    made(X509_add_ext(certificate, what.get(), -1));
    made(X509_sign(certificate, by ? by->key.get() : out.key.get(), EVP_sha256()));
    return out;
  }

  credentials own_;
};
