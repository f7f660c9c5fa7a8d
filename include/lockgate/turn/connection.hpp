// One TURN client at work: its state machine, the wire to its server, and its timer.
#pragma once

#include "lockgate/base/clock.hpp"        // for time_point
#include "lockgate/coro/scheduler.hpp"    // for scheduler
#include "lockgate/coro/task.hpp"         // for task
#include "lockgate/coro/timer.hpp"        // for timer
#include "lockgate/stun/server_wire.hpp"  // for server_wire
#include "lockgate/turn/client.hpp"       // for turn_client

#include <array>    // for array
#include <cstddef>  // for size_t
#include <cstdint>  // for uint16_t
#include <memory>   // for shared_ptr
#include <span>     // for span
#include <utility>  // for move

namespace lockgate::inline v0 {

/// Whoever uses a TURN connection.
template <stun::crypto Crypto>
class turn_connection_user {
 public:
  /// The client has something to tell: allocated, lost, refused and so on.
  virtual void told(const stun::turn_action& what) = 0;
  /// A datagram from the relay for the peer of this channel.
  virtual void take(const stun::turn_received& what, received_datagram&& datagram) = 0;
  /// Those that arrived together have all been taken.
  virtual void batch_ended() = 0;

 protected:
  ~turn_connection_user() = default;
};

/// A `turn_client` with its wire.
///
/// Use: `start`, then await `receive`; `pump` after each change made to `client()`.
template <stun::crypto Crypto>
class turn_connection : timer {
 public:
  turn_connection(scheduler& home, const stun::turn_config& config,
                  stun::authenticator<Crypto>& credentials)
      : timer([](ready_item& self) noexcept { static_cast<turn_connection&>(self).pump(); }),
        home_(home), client_(config, credentials, home.random()) {}

  /// Whom to tell; null: nobody.
  void use(turn_connection_user<Crypto>* user) noexcept { user_ = user; }

  /// Asks the server for an allocation over `wire`.
  void start(std::shared_ptr<server_wire> wire, const socket_address& server) {
    wire_ = std::move(wire);
    server_ = server;
    end_ = {};
    is_answered_ = false;
    client_.start(server, home_.now());
    pump();
  }
  /// Asks the server to delete the allocation; `is_over` follows.
  void release() {
    client_.release(home_.now());
    pump();
  }
  /// Closes the wire; nothing is sent to the server any more.
  void close() {
    disarm();
    is_answered_ = false;
    if (wire_) wire_->close();
  }

  /// Does everything that the client wants done now.
  void pump() {
    if (pumping_) return;  // the loop below goes on anyway
    pumping_ = true;
    for (;;) {
      const stun::turn_action action = client_.next(home_.now());
      if (action.type == stun::turn_action_type::wait) {
        if (action.deadline == never) disarm();
        else home_.arm(*this, action.deadline);
        break;
      }
      perform(action);
    }
    pumping_ = false;
  }

  /// Takes in what arrives. Completes: when the connection is over, or as soon as there is an
  /// allocation if `until_allocated`; with an error when it has to be closed.
  task<status> receive(bool until_allocated) {
    while (!is_over() && !(until_allocated && client_.is_allocated())) {
      const std::shared_ptr<server_wire> on = wire_;
      const result<std::size_t> got = co_await on->receive(datagrams_);
      if (is_over()) break;
      if (!got) co_return got.error();
      take(std::span(datagrams_).first(*got));
    }
    co_return status();
  }

  [[nodiscard]] stun::turn_client<Crypto>& client() noexcept { return client_; }
  [[nodiscard]] server_wire& wire() noexcept { return *wire_; }
  [[nodiscard]] const std::shared_ptr<server_wire>& shared_wire() const noexcept { return wire_; }
  [[nodiscard]] const socket_address& server() const noexcept { return server_; }
  /// The server has said something, and may say more.
  [[nodiscard]] bool is_answered() const noexcept { return is_answered_ && !is_over(); }
  /// The client wants another wire, or has given up, or has released: `end()` says which.
  [[nodiscard]] bool is_over() const noexcept { return end_.type != stun::turn_action_type::wait; }
  [[nodiscard]] const stun::turn_action& end() const noexcept { return end_; }

 private:
  static constexpr std::size_t batch_size = 64;

  void perform(const stun::turn_action& action) {
    using enum stun::turn_action_type;
    switch (action.type) {
      case send: return wire_->send_control(action.bytes);
      case reconnect:
      case failed:
      case released:
        end_ = action;
        wire_->close();
        break;
      default: break;
    }
    if (user_) user_->told(action);
  }

  void take(std::span<received_datagram> datagrams) {
    const time_point now = home_.now();
    bool has_control = false;
    for (received_datagram& datagram : datagrams) {
      const stun::turn_received what = client_.receive(datagram.payload.bytes(), now);
      has_control = has_control || what.type == stun::turn_received_type::control;
      if (user_ && (what.type == stun::turn_received_type::data ||
                    what.type == stun::turn_received_type::icmp))
        user_->take(what, std::move(datagram));
      datagram.payload.reset();  // NOLINT(bugprone-use-after-move): whoever did not need it left it
    }
    if (user_) user_->batch_ended();
    is_answered_ = is_answered_ || has_control;
    if (has_control) pump();
  }

  scheduler& home_;
  stun::turn_client<Crypto> client_;
  turn_connection_user<Crypto>* user_ = nullptr;
  std::shared_ptr<server_wire> wire_;
  socket_address server_;
  stun::turn_action end_;
  bool pumping_ = false;
  bool is_answered_ = false;
  std::array<received_datagram, batch_size> datagrams_;
};

}  // namespace lockgate::inline v0
