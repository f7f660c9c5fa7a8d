// Translates between the library's statuses and the original's HRESULTs.
#pragma once

#include "lockgate/base/error.hpp"        // for errc
#include "lockgate/base/status.hpp"       // for status
#include "lockgate/capi/windows_types.h"  // for HRESULT

#include <array>         // for array
#include <cstddef>       // for size_t
#include <cstdint>       // for uint32_t
#include <cstdio>        // for snprintf
#include <string>        // for string
#include <system_error>  // for error_category, error_code

namespace lockgate::inline v0::capi {

/// "Not yet": `CPNATFWT_PENDING`, no failure although `FAILED()` says so (G29).
inline constexpr HRESULT pending = HRESULT_FROM_WIN32(ERROR_IO_PENDING);

namespace detail {

struct meaning {
  errc code;
  HRESULT result;
};

/// Every `errc` and what the C surface says for it, in the order of `errc`. Read backwards, the
/// first line with a result counts.
inline constexpr std::array meanings{
    meaning{errc::ok, S_OK},
    meaning{errc::not_active, HRESULT_FROM_WIN32(ERROR_INVALID_STATE)},
    meaning{errc::invalid_state, HRESULT_FROM_WIN32(ERROR_INVALID_STATE)},
    meaning{errc::invalid_argument, E_INVALIDARG},
    meaning{errc::not_registered, HRESULT_FROM_WIN32(ERROR_INVALID_STATE)},
    meaning{errc::already_registered, HRESULT_FROM_WIN32(ERROR_INVALID_STATE)},
    meaning{errc::registration_refused, E_ACCESSDENIED},
    meaning{errc::interface_not_owned, HRESULT_FROM_WIN32(ERROR_NOT_FOUND)},
    meaning{errc::interface_in_use, HRESULT_FROM_WIN32(ERROR_BUSY)},
    meaning{errc::terminated, HRESULT_FROM_WIN32(ERROR_OPERATION_ABORTED)},
    meaning{errc::canceled, HRESULT_FROM_WIN32(ERROR_OPERATION_ABORTED)},
    meaning{errc::timed_out, HRESULT_FROM_WIN32(ERROR_TIMEOUT)},
    meaning{errc::deadlock, HRESULT_FROM_WIN32(ERROR_POSSIBLE_DEADLOCK)},
    meaning{errc::unreachable, HRESULT_FROM_WIN32(ERROR_HOST_UNREACHABLE)},
    meaning{errc::ambiguous, HRESULT_FROM_WIN32(ERROR_HOST_UNREACHABLE)},
    meaning{errc::duplicate_transport_id, HRESULT_FROM_WIN32(ERROR_OBJECT_ALREADY_EXISTS)},
    meaning{errc::unknown_transport_id, HRESULT_FROM_WIN32(ERROR_NOT_FOUND)},
    meaning{errc::no_transport_id, HRESULT_FROM_WIN32(ERROR_NOT_READY)},
    meaning{errc::activation_failed, HRESULT_FROM_WIN32(ERROR_SERVICE_NOT_ACTIVE)},
    meaning{errc::activation_delayed, HRESULT_FROM_WIN32(ERROR_RETRY)},
    meaning{errc::provider_failed, E_FAIL},
    meaning{errc::message_empty, E_INVALIDARG},
    meaning{errc::message_too_large, HRESULT_FROM_WIN32(WSAEMSGSIZE)},
    meaning{errc::would_block, HRESULT_FROM_WIN32(ERROR_RETRY)},
    meaning{errc::queue_full, HRESULT_FROM_WIN32(ERROR_NO_SYSTEM_RESOURCES)},
    meaning{errc::no_memory, E_OUTOFMEMORY},
    meaning{errc::no_buffer, HRESULT_FROM_WIN32(ERROR_NO_SYSTEM_RESOURCES)},
    meaning{errc::no_signalling, HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED)},
    meaning{errc::closed, HRESULT_FROM_WIN32(ERROR_SHUTDOWN_IN_PROGRESS)},
    meaning{errc::malformed, HRESULT_FROM_WIN32(ERROR_INVALID_DATA)},
    meaning{errc::not_supported, HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED)},
};

consteval bool meanings_are_in_order() {
  for (std::size_t i = 0; i < meanings.size(); ++i)
    if (meanings[i].code != static_cast<errc>(i)) return false;
  return true;
}
static_assert(meanings_are_in_order() && meanings.back().code == errc::not_supported);

class hresult_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override { return "HRESULT"; }
  std::string message(int value) const override {
    std::array<char, sizeof "HRESULT 0x80070057"> text{};
    std::snprintf(text.data(), text.size(), "HRESULT 0x%08x", static_cast<unsigned>(value));
    return text.data();
  }
};

}  // namespace detail

/// The category of results of a C provider that no `errc` stands for.
[[nodiscard]] inline const std::error_category& hresult_category() noexcept {
  static const detail::hresult_category_type category;
  return category;
}

/// What the C surface says for a status.
[[nodiscard]] inline HRESULT to_hresult(const status& s) noexcept {
  if (s.ok()) return S_OK;
  if (s.own() != errc::provider_failed) {
    const auto at = static_cast<std::size_t>(s.own());
    return at < detail::meanings.size() ? detail::meanings[at].result : E_FAIL;
  }
  const std::error_code code = s.code();
  return code.category() == hresult_category() ? static_cast<HRESULT>(code.value()) : E_FAIL;
}

/// What the result of a C callback means. Requires: `result` is not `pending`.
[[nodiscard]] inline status to_status(HRESULT result) noexcept {
  if (SUCCEEDED(result)) return {};
  for (const detail::meaning& m : detail::meanings)
    if (m.result == result) return m.code;
  return std::error_code(result, hresult_category());
}

}  // namespace lockgate::inline v0::capi
