// Between statuses and HRESULTs: the whole table, with the values of winerror.h.
#include "lockgate/capi/hresult.hpp"  // for to_hresult, to_status
#include "support/doctest.hpp"        // for TEST_CASE

#include <cstdint>  // for uint32_t

using lockgate::errc;
using lockgate::status;
using lockgate::capi::to_hresult;
using lockgate::capi::to_status;

namespace {

struct line {
  errc code;
  std::uint32_t result;
  errc back;  // what a provider that returns it is understood to say
};

constexpr line table[] = {
    {errc::ok, 0, errc::ok},
    {errc::not_active, 0x8007139f, errc::not_active},
    {errc::invalid_state, 0x8007139f, errc::not_active},
    {errc::invalid_argument, 0x80070057, errc::invalid_argument},
    {errc::not_registered, 0x8007139f, errc::not_active},
    {errc::already_registered, 0x8007139f, errc::not_active},
    {errc::registration_refused, 0x80070005, errc::registration_refused},
    {errc::interface_not_owned, 0x80070490, errc::interface_not_owned},
    {errc::interface_in_use, 0x800700aa, errc::interface_in_use},
    {errc::terminated, 0x800703e3, errc::terminated},
    {errc::canceled, 0x800703e3, errc::terminated},
    {errc::timed_out, 0x800705b4, errc::timed_out},
    {errc::deadlock, 0x8007046b, errc::deadlock},
    {errc::unreachable, 0x800704d0, errc::unreachable},
    {errc::ambiguous, 0x800704d0, errc::unreachable},
    {errc::duplicate_transport_id, 0x80071392, errc::duplicate_transport_id},
    {errc::unknown_transport_id, 0x80070490, errc::interface_not_owned},
    {errc::no_transport_id, 0x80070015, errc::no_transport_id},
    {errc::activation_failed, 0x80070426, errc::activation_failed},
    {errc::activation_delayed, 0x800704d5, errc::activation_delayed},
    {errc::provider_failed, 0x80004005, errc::provider_failed},
    {errc::message_empty, 0x80070057, errc::invalid_argument},
    {errc::message_too_large, 0x80072738, errc::message_too_large},
    {errc::would_block, 0x800704d5, errc::activation_delayed},
    {errc::queue_full, 0x800705aa, errc::queue_full},
    {errc::no_memory, 0x8007000e, errc::no_memory},
    {errc::no_buffer, 0x800705aa, errc::queue_full},
    {errc::no_signalling, 0x80070032, errc::no_signalling},
    {errc::closed, 0x8007045b, errc::closed},
    {errc::malformed, 0x8007000d, errc::malformed},
    {errc::not_supported, 0x80070032, errc::no_signalling},
};

}  // namespace

TEST_CASE("C: every status has an HRESULT, and every such HRESULT is understood") {
  for (const line& l : table) {
    CAPTURE(status(l.code).code().message());
    CHECK(static_cast<std::uint32_t>(to_hresult(l.code)) == l.result);
    CHECK(to_status(static_cast<HRESULT>(l.result)) == l.back);
    CHECK(to_hresult(l.code) != lockgate::capi::pending);
    CHECK(FAILED(to_hresult(l.code)) == (l.code != errc::ok));
  }
}

TEST_CASE("C: a provider's own code survives the way to the application and back") {
  const auto own = static_cast<HRESULT>(0x80041234);
  const status carried = to_status(own);
  CHECK(!carried.ok());
  CHECK(carried.code().category() == lockgate::capi::hresult_category());
  CHECK(carried.code().message() == "HRESULT 0x80041234");
  CHECK(to_hresult(carried) == own);
}

TEST_CASE("C: every code without the severity bit is success") {
  CHECK(to_status(1).ok());  // S_FALSE
  CHECK(to_status(0x7fffffff).ok());
}

TEST_CASE("C: a status of another category is a plain failure") {
  CHECK(to_hresult(std::make_error_code(std::errc::io_error)) == E_FAIL);
}
