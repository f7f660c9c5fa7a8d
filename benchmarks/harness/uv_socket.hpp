// What the libuv contenders share: a loop, a socket like everybody's, and its clean end.
#pragma once

#include "offload.hpp"     // for largest_train
#include "udp_socket.hpp"  // for raise_receive_buffer, generic

#include <uv.h>  // for uv_loop_t, uv_udp_t

#include <cstddef>    // for size_t
#include <stdexcept>  // for runtime_error
#include <vector>     // for vector

namespace bench {

/// Returns libuv's result. Errors: throws when it is negative.
inline int uv_checked(int outcome) {
  if (outcome < 0) throw std::runtime_error(uv_strerror(outcome));
  return outcome;
}

class uv_loop {
 public:
  uv_loop() { uv_checked(uv_loop_init(&loop_)); }
  uv_loop(const uv_loop&) = delete;
  uv_loop& operator=(const uv_loop&) = delete;
  ~uv_loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);  // lets closed handles finish
    uv_loop_close(&loop_);
  }

  [[nodiscard]] uv_loop_t* get() { return &loop_; }

  /// Runs until `end_turn` is called.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void end_turn() { uv_stop(&loop_); }

 private:
  uv_loop_t loop_;
};

/// A socket whose owner is told of each datagram, received in batches (UV_UDP_RECVMMSG).
template <typename Owner>
class uv_socket {
 public:
  /// Calls `owner.on_datagram(*this, bytes, from)` for each datagram from then on.
  /// Lifetime: owner and loop outlive the socket.
  uv_socket(uv_loop& loop, Owner& owner, const sockaddr_in& local)
      : owner_(owner), room_(batch * largest_train) {
    uv_checked(uv_udp_init_ex(loop.get(), &handle_, AF_INET | UV_UDP_RECVMMSG));
    handle_.data = this;
    uv_checked(uv_udp_bind(&handle_, generic(local), 0));
    uv_os_fd_t fd{};
    uv_checked(uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_), &fd));
    raise_receive_buffer(fd);
    uv_checked(uv_udp_recv_start(&handle_, give_room, received));
  }
  uv_socket(const uv_socket&) = delete;
  uv_socket& operator=(const uv_socket&) = delete;
  ~uv_socket() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_), nullptr);
    uv_run(handle_.loop, UV_RUN_NOWAIT);  // the handle must outlive its closing
  }

  void send(uv_buf_t bytes, const sockaddr* to) {
    uv_checked(uv_udp_try_send(&handle_, &bytes, 1, to));
  }

  [[nodiscard]] sockaddr_in address() const {
    sockaddr_in local{};
    int length = sizeof local;
    uv_checked(uv_udp_getsockname(&handle_, generic(local), &length));
    return local;
  }

 private:
  static constexpr std::size_t batch = 20;  // the most that libuv takes with one call

  static void give_room(uv_handle_t* handle, std::size_t, uv_buf_t* room) {
    auto& self = *static_cast<uv_socket*>(handle->data);
    *room = uv_buf_init(self.room_.data(), static_cast<unsigned>(self.room_.size()));
  }

  // noexcept: an exception must not pass through libuv, which is C. It ends the program instead.
  static void received(uv_udp_t* handle, ssize_t length, const uv_buf_t* bytes,
                       const sockaddr* from, unsigned) noexcept {
    if (from == nullptr && length >= 0)
      return;  // the socket is empty, or the batch's room is given back
    auto& self = *static_cast<uv_socket*>(handle->data);
    const int valid = uv_checked(static_cast<int>(length));
    self.owner_.on_datagram(self, uv_buf_init(bytes->base, static_cast<unsigned>(valid)), from);
  }

  Owner& owner_;
  std::vector<char> room_;
  uv_udp_t handle_{};
};

}  // namespace bench
