// The platform of C providers on its own thread, for the length of a test, and somebody who uses
// it.
#pragma once

#include "lockgate/capi/platform.hpp"  // for run, stop, platform
#include "lockgate/coro/sleep.hpp"     // for yield

#include <atomic>   // for atomic
#include <cstddef>  // for byte
#include <thread>   // for thread

namespace capi_test {

struct own_thread {
  own_thread() = default;
  own_thread(const own_thread&) = delete;
  ~own_thread() { lockgate::capi::stop(); }
};

inline const lockgate::transport_id peer({std::byte{0xfd}, std::byte{9}});

/// Endpoints that come, demand, send, and go, until this is destroyed.
class restless_application {
 public:
  restless_application()
      : thread_([this] { lockgate::capi::run([this] { return run(&stop_); }); }) {}
  restless_application(const restless_application&) = delete;
  ~restless_application() {
    stop_ = true;
    thread_.join();
  }

 private:
  static lockgate::task<> run(const std::atomic<bool>* stop) {
    while (!*stop) {
      lockgate::endpoint app =
          lockgate::capi::platform().open_endpoint({.proposed_id = {}, .listening = true});
      const std::byte one{1};
      const lockgate::chain message{lockgate::bytes_view(&one, 1)};
      const lockgate::status sent = co_await app.send_to(peer, message);
      static_cast<void>(sent);
      co_await lockgate::yield();
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace capi_test
