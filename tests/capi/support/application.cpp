#include "application.hpp"

#include "application.h"                   // for what is defined here
#include "lockgate/capi/hresult.hpp"       // for to_hresult, to_status
#include "lockgate/platform/platform.hpp"  // for platform, endpoint
#include "support/doctest.hpp"             // for ADD_FAIL_CHECK_AT

#include <cstring>  // for memcpy
#include <mutex>    // for mutex

namespace capi_test {

namespace {
application* present = nullptr;
std::mutex reporting;  // scenarios check on their own threads, too

lockgate::transport_id id_of(const BYTE id[16]) {
  std::array<std::byte, 16> bytes{};
  std::memcpy(bytes.data(), id, bytes.size());
  return lockgate::transport_id(bytes);
}
lockgate::task<lockgate::result<lockgate::transport_id>> become_ready(lockgate::endpoint* of) {
  co_return co_await of->ready();
}
lockgate::task<lockgate::result<lockgate::incoming>> receive(lockgate::endpoint* at) {
  co_return co_await at->receive();
}
lockgate::task<lockgate::status> send(lockgate::endpoint* from, lockgate::transport_id to,
                                      std::span<const lockgate::bytes_view> parts) {
  const lockgate::chain message(parts);
  co_return co_await from->send_to(to, message);
}
}  // namespace

lockgate::task<lockgate::status> policy::authorise(std::string_view, std::string_view access) {
  asked = access;
  if (says == CPNATFWT_PENDING) co_return co_await undecided.wait();
  co_return lockgate::capi::to_status(says);
}

application::application(const lockgate::platform_options& options)
    : platform(world.home, options) {
  present = this;
  endpoints.reserve(64);  // their handles stay where they are
}
application::~application() {
  held.clear();
  readying.clear();
  endpoints.clear();
  world.advance(std::chrono::minutes(2));
  present = nullptr;
}

}  // namespace capi_test

using namespace capi_test;

extern "C" {

void expect(int holds, const char* text, const char* file, int line) {
  const std::lock_guard hold(reporting);
  if (!holds) ADD_FAIL_CHECK_AT(file, line, std::string(text));
  CHECK(true);
}

void step(void) { present->world.home.run_ready(); }
void pass_seconds(unsigned seconds) { present->world.advance(std::chrono::seconds(seconds)); }

unsigned app_open(void) {
  present->endpoints.push_back(lockgate::capi::platform().open_endpoint());
  present->readying.push_back(
      std::make_unique<support::running<lockgate::result<lockgate::transport_id>>>(
          present->world.home, become_ready(&present->endpoints.back())));
  step();
  return static_cast<unsigned>(present->endpoints.size() - 1);
}
void app_close(unsigned endpoint) {
  present->endpoints[endpoint].close();
  step();
}
HRESULT app_ready(unsigned endpoint) {
  auto& run = *present->readying[endpoint];
  if (!present->endpoints[endpoint].id().is_nil()) return S_OK;
  if (!run.done()) return CPNATFWT_PENDING;
  return lockgate::capi::to_hresult(run.take().error());
}
void app_id(unsigned endpoint, BYTE id[16]) {
  const lockgate::transport_id of = present->endpoints[endpoint].id();
  std::memcpy(id, of.bytes().data(), 16);
}

unsigned app_send_parts(unsigned endpoint, const BYTE to[16], const void* bytes,
                        const size_t* sizes, size_t count) {
  sending s;
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) total += sizes[i];
  const auto* const first = static_cast<const std::byte*>(bytes);
  s.bytes.assign(first, first + total);
  size_t at = 0;
  for (size_t i = 0; i < count; at += sizes[i++])
    s.parts.emplace_back(s.bytes.data() + at, sizes[i]);
  s.run = std::make_unique<support::running<lockgate::status>>(
      present->world.home, send(&present->endpoints[endpoint], id_of(to), s.parts));
  present->sends.push_back(std::move(s));
  step();
  return static_cast<unsigned>(present->sends.size() - 1);
}
unsigned app_send(unsigned endpoint, const BYTE to[16], const void* bytes, size_t size) {
  return app_send_parts(endpoint, to, bytes, &size, 1);
}
HRESULT app_sent(unsigned send) {
  auto& run = *present->sends[send].run;
  if (!run.done()) return CPNATFWT_PENDING;
  return lockgate::capi::to_hresult(run.take());
}

size_t app_take(unsigned endpoint, BYTE from[16], void* bytes, size_t room) {
  support::running<lockgate::result<lockgate::incoming>> run(
      present->world.home, receive(&present->endpoints[endpoint]));
  if (!run.done()) {
    run.request_stop();
    step();
    return 0;
  }
  lockgate::incoming message = *run.take();
  std::memcpy(from, message.remote.bytes().data(), 16);
  size_t at = 0;
  for (size_t i = 0; i < message.part_count(); ++i) {
    const auto part = message.part(i).bytes();
    if (at + part.size() <= room) std::memcpy(static_cast<char*>(bytes) + at, part.data(), part.size());
    at += part.size();
  }
  present->held.push_back(std::move(message));
  return at;
}
void app_release(void) {
  present->held.clear();
  step();
}

void policy_says(HRESULT result) {
  present->host_policy.says = result;
  lockgate::capi::platform().use_access_policy(present->host_policy);
}
const char* policy_was_asked(void) { return present->host_policy.asked.c_str(); }
const char* name_of(CPNATFWT_PROVIDER_INSTANCE instance) {
  const lockgate::provider_instance* const found = lockgate::capi::find_instance(instance);
  present->name = found ? found->friendly_name() : std::string_view();
  return present->name.c_str();
}
void shut_down(void) {
  present->stopping = std::make_unique<support::running<lockgate::status>>(
      present->world.home, lockgate::capi::platform().stop());
  step();
}
unsigned ignored_completions(void) {
  return static_cast<unsigned>(lockgate::capi::misuse().ignored_completions);
}
unsigned stale_handles(void) {
  return static_cast<unsigned>(lockgate::capi::misuse().stale_handles);
}

}  // extern "C"
