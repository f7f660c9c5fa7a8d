// A datagram network in memory: the test decides what arrives and when a send has to wait.
#pragma once

#include "lockgate/buffer/ring.hpp"          // for ring
#include "lockgate/coro/wait_list.hpp"       // for wait_list, waiter
#include "lockgate/net/datagram_socket.hpp"  // for datagram_network

#include <coroutine>    // for coroutine_handle
#include <cstddef>      // for byte, size_t
#include <cstdlib>      // for abort
#include <cstring>      // for memcpy
#include <map>          // for map
#include <memory>       // for shared_ptr, make_shared
#include <span>         // for span
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for move
#include <vector>       // for vector

namespace support {

/// One socket, as the test sees it.
struct scripted_wire {
  struct datagram {
    lockgate::socket_address to;
    std::string bytes;
    bool operator==(const datagram&) const = default;
  };
  explicit scripted_wire(const lockgate::socket_address& bound) : local(bound) {}

  lockgate::socket_address local;
  std::vector<datagram> sent;
  std::size_t credit = static_cast<std::size_t>(-1);  ///< datagrams until a send has to wait
  lockgate::status receive_failure{};                 ///< what the next receive ends with
  bool closed = false;
  lockgate::ring<lockgate::received_datagram> arrived;
  lockgate::wait_list readers, writers;

  /// Lets `more` datagrams pass.
  void let_pass(std::size_t more) {
    credit = more;
    writers.complete_all();
  }
  void fail_receive(lockgate::status why) {
    receive_failure = why;
    readers.complete_all();
  }
  void close() {
    closed = true;
    readers.complete_all(lockgate::errc::closed);
    writers.complete_all(lockgate::errc::closed);
  }
};

/// Waits in a list of the wire, unless `ready` says that there is no need to, and then answers.
template <class Answer>
class scripted_operation {
 public:
  using list_of = lockgate::wait_list& (*)(scripted_wire&);
  using ready_function = bool (*)(scripted_wire&);
  using answer_function = Answer (*)(scripted_wire&, std::span<lockgate::received_datagram>);
  scripted_operation(std::shared_ptr<scripted_wire> wire, list_of list, ready_function ready,
                     answer_function answer, std::span<lockgate::received_datagram> into = {})
      : wire_(std::move(wire)), list_(list), ready_(ready), answer_(answer), into_(into) {}

  class awaiter {
   public:
    awaiter(const scripted_operation& o, const lockgate::task_context& c) : of_(o), context_(c) {}
    bool await_ready() const { return of_.ready_(*of_.wire_); }
    bool await_suspend(std::coroutine_handle<> coroutine) {
      waited_ = true;
      if (!waiter_.suspend(coroutine, context_)) return false;
      of_.list_(*of_.wire_).push_back(waiter_);
      return true;
    }
    Answer await_resume() const {
      if (waited_ && !waiter_.outcome().ok()) return waiter_.outcome();
      return of_.answer_(*of_.wire_, of_.into_);
    }

   private:
    const scripted_operation& of_;
    const lockgate::task_context& context_;
    lockgate::waiter waiter_;
    bool waited_ = false;
  };
  awaiter bind(const lockgate::task_context& context) { return awaiter(*this, context); }

 private:
  std::shared_ptr<scripted_wire> wire_;
  list_of list_;
  ready_function ready_;
  answer_function answer_;
  std::span<lockgate::received_datagram> into_;
};

class scripted_socket {
 public:
  explicit scripted_socket(std::shared_ptr<scripted_wire> wire) : wire_(std::move(wire)) {}
  scripted_socket(scripted_socket&&) = default;
  scripted_socket& operator=(scripted_socket&&) = default;
  ~scripted_socket() {
    if (wire_) wire_->close();
  }

  lockgate::socket_address local_address() const { return wire_->local; }
  lockgate::accepted try_send(std::span<const lockgate::outgoing_datagram> batch) {
    if (wire_->closed) return lockgate::errc::closed;
    std::size_t done = 0;
    for (; done < batch.size(); ++done, --wire_->credit) {
      if (wire_->credit == 0) return {done, lockgate::errc::would_block};
      std::string bytes(batch[done].payload.size(), '\0');
      batch[done].payload.copy_to(reinterpret_cast<std::byte*>(bytes.data()));
      wire_->sent.push_back({batch[done].to, std::move(bytes)});
    }
    return done;
  }
  auto writable() {
    return scripted_operation<lockgate::status>(
        wire_, [](scripted_wire& w) -> lockgate::wait_list& { return w.writers; },
        [](scripted_wire& w) { return w.closed || w.credit > 0; },
        [](scripted_wire& w, std::span<lockgate::received_datagram>) {
          return w.closed ? lockgate::status(lockgate::errc::closed) : lockgate::status();
        });
  }
  auto receive(std::span<lockgate::received_datagram> into) {
    return scripted_operation<lockgate::result<std::size_t>>(
        wire_, [](scripted_wire& w) -> lockgate::wait_list& { return w.readers; },
        [](scripted_wire& w) { return w.closed || !w.receive_failure.ok() || !w.arrived.empty(); },
        [](scripted_wire& w,
           std::span<lockgate::received_datagram> out) -> lockgate::result<std::size_t> {
          if (w.closed) return lockgate::errc::closed;
          if (!w.receive_failure.ok()) return w.receive_failure;
          std::size_t count = 0;
          for (; count < out.size() && !w.arrived.empty(); ++count)
            out[count] = w.arrived.pop_front();
          return count;
        },
        into);
  }
  void close() { wire_->close(); }

 private:
  std::shared_ptr<scripted_wire> wire_;
};

class scripted_network {
 public:
  using datagram_socket_type = scripted_socket;
  explicit scripted_network(lockgate::scheduler& home) : home_(home) {}

  lockgate::scheduler& home() { return home_; }
  lockgate::slab_pool& buffers() { return pool_; }
  lockgate::result<scripted_socket> open_datagram(const lockgate::socket_address& local) {
    if (!open_failure.ok()) return open_failure;
    lockgate::socket_address bound = local;
    if (bound.port == 0) bound.port = next_port_++;
    const auto wire = std::make_shared<scripted_wire>(bound);
    wires[bound.port] = wire;
    return scripted_socket(wire);
  }

  /// Puts a datagram into the socket bound to `port`; nobody is woken before `wake`.
  void put(std::uint16_t port, const lockgate::socket_address& from, std::string_view bytes,
           bool truncated = false) {
    auto memory = pool_.acquire();
    if (!bytes.empty()) std::memcpy(memory.memory().data(), bytes.data(), bytes.size());
    lockgate::received_datagram datagram;
    datagram.payload = memory.cut(0, bytes.size());
    datagram.from = from;
    datagram.arrived = {home_.now(), wires.at(port)->local, 0, truncated};
    if (!wires.at(port)->arrived.push_back(std::move(datagram))) std::abort();
  }
  void wake(std::uint16_t port) { wires.at(port)->readers.complete_all(); }

  lockgate::status open_failure{};
  std::map<std::uint16_t, std::shared_ptr<scripted_wire>> wires;  ///< by port, closed ones too

 private:
  lockgate::scheduler& home_;
  lockgate::slab_pool pool_{256, 1024};
  std::uint16_t next_port_ = 50000;
};

static_assert(lockgate::datagram_network<scripted_network>);

}  // namespace support
