// The cryptography that stun/ asks for (the concept `stun::crypto`), by OpenSSL 3. Link -lcrypto.
#pragma once

#include "lockgate/base/result.hpp"  // for result

#include <openssl/core_names.h>  // for OSSL_MAC_PARAM_DIGEST
#include <openssl/crypto.h>      // for OPENSSL_cleanse
#include <openssl/evp.h>         // for EVP_MAC, EVP_MD
#include <openssl/params.h>      // for OSSL_PARAM

#include <array>             // for array
#include <cstddef>           // for byte, size_t
#include <initializer_list>  // for initializer_list
#include <memory>            // for unique_ptr
#include <span>              // for span

namespace lockgate::inline v0 {

namespace detail {

using byte_spans = std::initializer_list<std::span<const std::byte>>;

struct openssl_free {
  void operator()(EVP_MAC* p) const noexcept { EVP_MAC_free(p); }
  void operator()(EVP_MAC_CTX* p) const noexcept { EVP_MAC_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const noexcept { EVP_MD_CTX_free(p); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_free>;

[[nodiscard]] inline const unsigned char* uchars(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// An HMAC whose key OpenSSL keeps in worked-in form (and wipes when the context is freed).
///
/// Cost: `sign` neither allocates nor looks an algorithm up.
template <std::size_t Size>
class openssl_hmac {
 public:
  explicit openssl_hmac(std::span<const std::byte> key) noexcept {
    static const openssl_ptr<EVP_MAC> hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    context_.reset(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
    char sha1[] = "SHA1", sha256[] = "SHA256";  // OpenSSL takes names without const
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, Size == 20 ? sha1 : sha256, 0),
        OSSL_PARAM_END};
    // OpenSSL takes a null key for "as before": an empty one still needs an address.
    const unsigned char none = 0;
    if (context_ && EVP_MAC_init(context_.get(), key.empty() ? &none : uchars(key), key.size(),
                                 parameters) != 1)
      context_.reset();
  }

  [[nodiscard]] bool sign(byte_spans parts, std::span<std::byte, Size> out) noexcept {
    if (!context_ || EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1) return false;
    for (const auto part : parts)
      if (EVP_MAC_update(context_.get(), uchars(part), part.size()) != 1) return false;
    std::size_t size = 0;
    return EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                         Size) == 1 &&
           size == Size;
  }

 private:
  openssl_ptr<EVP_MAC_CTX> context_;
};

template <std::size_t Size>
[[nodiscard]] result<std::array<std::byte, Size>> openssl_hash(const EVP_MD* digest,
                                                               byte_spans parts) noexcept {
  const openssl_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  bool ok = context && EVP_DigestInit_ex(context.get(), digest, nullptr) == 1;
  for (const auto part : parts)
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  std::array<std::byte, Size> out{};
  if (!ok ||
      EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1)
    return errc::not_supported;
  const result<std::array<std::byte, Size>> copy(out);
  OPENSSL_cleanse(out.data(), Size);  // it may be a key
  return copy;
}

}  // namespace detail

/// A model of `stun::crypto`. Errors: `md5` is `errc::not_supported` in a FIPS build.
struct openssl_crypto {
  /// HMAC-SHA1 (RFC 2104), 20 bytes.
  using hmac_sha1 = detail::openssl_hmac<20>;
  /// HMAC-SHA256 (RFC 2104), 32 bytes.
  using hmac_sha256 = detail::openssl_hmac<32>;
  /// The MD5 of the parts together: for the long-term key only (RFC 8489 section 18.5.1).
  [[nodiscard]] static result<std::array<std::byte, 16>> md5(detail::byte_spans parts) noexcept {
    return detail::openssl_hash<16>(EVP_md5(), parts);
  }
  /// The SHA-256 of the parts together.
  [[nodiscard]] static result<std::array<std::byte, 32>> sha256(detail::byte_spans parts) noexcept {
    return detail::openssl_hash<32>(EVP_sha256(), parts);
  }
};

}  // namespace lockgate::inline v0
