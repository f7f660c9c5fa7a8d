// What the codec asks of a cryptographic library, as a concept: the codec itself links none.
#pragma once

#include "lockgate/base/result.hpp"  // for result

#include <array>             // for array
#include <concepts>          // for constructible_from, movable, same_as
#include <cstddef>           // for byte, size_t
#include <initializer_list>  // for initializer_list
#include <span>              // for span

namespace lockgate::inline v0::stun {

/// Bytes in several parts, taken as one.
using byte_spans = std::initializer_list<std::span<const std::byte>>;

/// An HMAC with its key already worked in, used for many messages. `sign` writes the code of the
/// concatenated parts and answers false if the library failed. Its destructor wipes the key.
template <class H, std::size_t Size>
concept keyed_hmac = std::movable<H> && std::constructible_from<H, std::span<const std::byte>> &&
                     requires(H& hmac, byte_spans parts, std::span<std::byte, Size> out) {
                       { hmac.sign(parts, out) } noexcept -> std::same_as<bool>;
                     };

/// A cryptographic library as STUN needs it. A hash that it does not offer is `not_supported`.
template <class C>
concept crypto = keyed_hmac<typename C::hmac_sha1, 20> && keyed_hmac<typename C::hmac_sha256, 32> &&
                 requires(byte_spans parts) {
                   { C::md5(parts) } -> std::same_as<result<std::array<std::byte, 16>>>;
                   { C::sha256(parts) } -> std::same_as<result<std::array<std::byte, 32>>>;
                 };

}  // namespace lockgate::inline v0::stun
