// A TCP or TLS stream of the simulated network, and what accepts them.
#pragma once

#include "lockgate/base/address.hpp"               // for socket_address
#include "lockgate/base/result.hpp"                // for result
#include "lockgate/coro/sleep.hpp"                 // for sleep_for
#include "lockgate/coro/task.hpp"                  // for task
#include "lockgate/net/stream.hpp"                 // for byte_stream, stream_target
#include "lockgate/testing/stream_connection.hpp"  // for stream_connection

#include <cstddef>       // for byte, size_t
#include <deque>         // for deque
#include <memory>        // for shared_ptr
#include <span>          // for span
#include <string>        // for string
#include <system_error>  // for make_error_code, errc
#include <utility>       // for move, swap

namespace lockgate::inline v0::testing {

/// A handle of a connected stream; destroying it closes the stream.
///
/// Errors: as a system has them: `std::errc::connection_refused`, `connection_reset`, and
///         `errc::timed_out` when two minutes of repeating have brought no answer.
class virtual_stream {
 public:
  explicit virtual_stream(std::shared_ptr<detail::stream_connection> connection) noexcept
      : connection_(std::move(connection)) {}
  virtual_stream(virtual_stream&&) noexcept = default;
  virtual_stream& operator=(virtual_stream&& other) noexcept {
    virtual_stream taken(std::move(other));
    std::swap(connection_, taken.connection_);
    return *this;
  }
  ~virtual_stream() {
    if (connection_) connection_->close();
  }

  [[nodiscard]] socket_address local_address() const noexcept { return connection_->local(); }
  [[nodiscard]] socket_address remote_address() const noexcept { return connection_->remote(); }
  [[nodiscard]] task<status> send(bytes_view bytes) { return send_all(connection_, bytes); }
  [[nodiscard]] task<result<std::size_t>> receive(std::span<std::byte> into) {
    return receive_some(connection_, into);
  }
  /// Ends one direction: the other end's `receive` answers `errc::closed`, and may still send.
  void end_sending() { connection_->end_sending(); }
  /// What was sent still arrives, unless something received was not read; then it is an `abort`.
  void close() { connection_->close(); }
  /// Ends both directions at once: the other end's operations fail.
  void abort() { connection_->abort(); }

  /// What `virtual_host::connect` does once it has an address and a port.
  [[nodiscard]] static task<result<virtual_stream>> connect(
      std::shared_ptr<detail::stream_connection> over, scheduler* home, stream_target target) {
    using answer = result<virtual_stream>;
    virtual_stream made(over);
    const time_point begun = home->now();
    over->open(target.secured ? target.name : std::string());
    while (over->is_opening()) {
      const status waited = co_await over->openers.wait();
      if (!waited.ok()) co_return answer(waited);
    }
    if (!over->failure().ok()) co_return answer(over->failure());
    if (target.secured) {
      // TLS 1.3 takes one more round trip (RFC 8446 section 2).
      const status slept = co_await sleep_for(home->now() - begun);
      if (!slept.ok()) co_return answer(slept);
      if (over->peer_name().empty()) co_return answer(errc::malformed);
      if (over->peer_name() != target.name)
        co_return answer(std::make_error_code(std::errc::permission_denied));
    }
    co_return answer(std::move(made));
  }

 private:
  static task<status> send_all(std::shared_ptr<detail::stream_connection> over, bytes_view bytes) {
    for (;;) {
      const status failed = over->write_failure();
      if (!failed.ok()) co_return failed;
      bytes = bytes.subspan(over->write(bytes));
      if (bytes.empty()) co_return status();
      const status waited = co_await over->writers.wait();
      if (!waited.ok()) co_return waited;
    }
  }
  static task<result<std::size_t>> receive_some(std::shared_ptr<detail::stream_connection> over,
                                                std::span<std::byte> into) {
    while (!over->is_readable()) {
      const status waited = co_await over->readers.wait();
      if (!waited.ok()) co_return result<std::size_t>(waited);
    }
    const status failed = over->read_failure();
    if (!failed.ok()) co_return result<std::size_t>(failed);
    co_return result<std::size_t>(over->read(into));
  }

  std::shared_ptr<detail::stream_connection> connection_;
};

static_assert(byte_stream<virtual_stream>);

namespace detail {

/// What a listener's handle, its operations and the host share.
struct listener_state {
  socket_address local;
  std::string certificate_name;
  bool closed = false;
  std::deque<std::shared_ptr<stream_connection>> waiting;
  wait_list acceptors;
  static constexpr std::size_t queue_limit = 128;

  void close() {
    closed = true;
    for (const auto& connection : waiting) connection->abort();
    waiting.clear();
    acceptors.complete_all();
  }
};

}  // namespace detail

/// A handle of a listening socket; destroying it closes the socket, not what it has accepted.
class virtual_listener {
 public:
  explicit virtual_listener(std::shared_ptr<detail::listener_state> state) noexcept
      : state_(std::move(state)) {}
  virtual_listener(virtual_listener&&) noexcept = default;
  virtual_listener& operator=(virtual_listener&& other) noexcept {
    virtual_listener taken(std::move(other));
    std::swap(state_, taken.state_);
    return *this;
  }
  ~virtual_listener() {
    if (state_) state_->close();
  }

  [[nodiscard]] socket_address local_address() const noexcept { return state_->local; }
  /// Completes: with the next stream that somebody has opened, or `errc::closed`.
  [[nodiscard]] task<result<virtual_stream>> accept() { return accept_from(state_); }
  /// Takes no more connections.
  void close() { state_->close(); }

 private:
  static task<result<virtual_stream>> accept_from(std::shared_ptr<detail::listener_state> from) {
    using answer = result<virtual_stream>;
    while (!from->closed && from->waiting.empty()) {
      const status waited = co_await from->acceptors.wait();
      if (!waited.ok()) co_return answer(waited);
    }
    if (from->closed) co_return answer(errc::closed);
    std::shared_ptr<detail::stream_connection> next = std::move(from->waiting.front());
    from->waiting.pop_front();
    co_return answer(virtual_stream(std::move(next)));
  }

  std::shared_ptr<detail::listener_state> state_;
};

}  // namespace lockgate::inline v0::testing
