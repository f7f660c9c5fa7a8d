// A key and a self-signed certificate, made on the spot, for tests of TLS.
#pragma once

#include <asio/buffer.hpp>       // for buffer
#include <asio/ssl/context.hpp>  // for ssl::context

#include <openssl/bio.h>   // for BIO
#include <openssl/evp.h>   // for EVP_PKEY, EVP_EC_gen
#include <openssl/pem.h>   // for PEM_write_bio_X509
#include <openssl/x509.h>  // for X509

#include <memory>  // for unique_ptr
#include <string>  // for string

namespace test_support {

/// Says that it is `name`, to those who trust it.
class self_signed {
 public:
  explicit self_signed(const char* name) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), &X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    X509_sign(made.get(), key.get(), EVP_sha256());
    certificate = text([&](BIO* out) { PEM_write_bio_X509(out, made.get()); });
    private_key = text([&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  [[nodiscard]] asio::ssl::context server() const {
    asio::ssl::context out(asio::ssl::context::tls_server);
    out.use_certificate(asio::buffer(certificate), asio::ssl::context::pem);
    out.use_private_key(asio::buffer(private_key), asio::ssl::context::pem);
    return out;
  }

  std::string certificate, private_key;  ///< in PEM form

 private:
  template <class Write>
  static std::string text(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    write(out.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
  }
};

}  // namespace test_support
