// UDP through Asio alone, one datagram per call: works wherever Asio does.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"  // for datagram_transfer
#include "lockgate/asio/detail/native_socket.hpp"      // for native_udp_socket
#include "lockgate/asio/detail/receive_buffers.hpp"    // for receive_buffers, receive_room
#include "lockgate/asio/endpoint.hpp"                  // for to_endpoint, from_endpoint
#include "lockgate/asio/system_error.hpp"              // for from_asio
#include "lockgate/asio/udp_statistics.hpp"            // for udp_statistics, udp_options
#include "lockgate/base/accepted.hpp"                  // for accepted
#include "lockgate/base/status.hpp"                    // for status
#include "lockgate/buffer/slab_pool.hpp"               // for slab_pool
#include "lockgate/net/datagram_socket.hpp"            // for received_datagram, outgoing_datagram

#include <asio/buffer.hpp>  // for mutable_buffer, const_buffer
#include <asio/error.hpp>   // for error codes
#include <asio/ip/udp.hpp>  // for udp

#include <array>         // for array
#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for error_code
#include <vector>        // for vector

namespace lockgate::inline v0::detail {

/// Whether the system reports a datagram longer than the memory it filled as an error. Elsewhere
/// that error is about an earlier datagram, and nothing has been received.
#ifdef _WIN32
inline constexpr bool truncation_is_an_error = true;
#else
inline constexpr bool truncation_is_an_error = false;
#endif

/// True for an error that a peer or a router caused, which says nothing about the socket.
[[nodiscard]] inline bool is_reported_error(const std::error_code& error) noexcept {
  for (const std::error_code known :
       {make_error_code(asio::error::connection_refused),
        make_error_code(asio::error::connection_reset),
        make_error_code(asio::error::host_unreachable),
        make_error_code(asio::error::network_unreachable),
        make_error_code(asio::error::network_reset), make_error_code(asio::error::timed_out),
        make_error_code(asio::error::network_down), make_error_code(asio::error::message_size),
        std::make_error_code(std::errc::protocol_error),
        std::make_error_code(std::errc::no_protocol_option)})
    if (error.value() == known.value()) return true;
  return false;
}

/// The calls of the portable backend; a test may put others in their place.
struct asio_udp_calls {
  using socket = native_udp_socket;
  static std::size_t receive(socket& s, const std::array<asio::mutable_buffer, 2>& into,
                             asio::ip::udp::endpoint& from, std::error_code& error) {
    return s.receive_from(into, from, 0, error);
  }
  static std::size_t send(socket& s, const std::vector<asio::const_buffer>& parts,
                          const asio::ip::udp::endpoint& to, std::error_code& error) {
    return s.send_to(parts, to, 0, error);
  }
};

/// The reading half. Cost: one system call for each datagram.
template <class Calls>
class portable_receiver {
 public:
  static constexpr std::size_t batch_limit = 32;

  portable_receiver(receive_buffers& buffers, native_udp_socket& socket, const udp_options&,
                    const socket_address& local, udp_statistics& counters) noexcept
      : buffers_(buffers), socket_(socket), local_(local), counters_(counters) {}

  [[nodiscard]] bool has_leftover() const noexcept { return false; }
  std::size_t discard() noexcept { return 0; }
  /// With one call for each datagram, it is not being woken that costs most.
  bool leave_reactor() noexcept { return false; }
  [[nodiscard]] std::error_code rejoin_reactor() noexcept { return {}; }

  receive_outcome receive(const receive_room& room, time_point now) {
    receive_outcome out;
    while (out.count < room.into.size() && out.count < batch_limit) {
      if (buffers_.prepare(1, small_messages_ >= receive_buffers::small_run) == 0) return drop(out);
      const auto place = buffers_[0];
      std::error_code error;
      ++counters_.receive_calls;
      const std::size_t size = Calls::receive(socket_,
                                              {asio::buffer(place.head.data(), place.head.size()),
                                               asio::buffer(place.tail.data(), place.tail.size())},
                                              from_, error);
      if (error == asio::error::interrupted) continue;
      if (error == asio::error::would_block || error == asio::error::try_again) return out;
      // Without MSG_TRUNC in sight, a message that fills all memory may have been longer.
      const bool too_long = truncation_is_an_error && error == asio::error::message_size;
      const std::size_t memory = place.head.size() + place.tail.size();
      const std::size_t received = too_long ? memory : size;
      if (error && !too_long) {
        if (!is_reported_error(error)) return out.failure = from_asio(error), out;
        ++counters_.reported_errors;
        out.more = true;
        return out;
      }
      out.bytes += received;
      deliver(received, received == memory, now, room.into, out.count);
    }
    out.more = true;
    return out;
  }

 private:
  void deliver(std::size_t size, bool truncated, time_point now, std::span<received_datagram> into,
               std::size_t& filled) {
    small_messages_ = size > receive_buffers::packed_size ? 0 : small_messages_ + 1;
    received_datagram& out = into[filled];
    out.from = from_endpoint(from_);
    out.arrived = {now, local_, 0, truncated};
    out.segment_size = 0;
    filled += buffers_.complete(0, size, out, counters_);
    buffers_.finish(1, size);
  }
  /// Reads and drops what there is no memory for, so that newer datagrams get their chance.
  receive_outcome drop(receive_outcome out) {
    std::byte nothing{};
    for (std::size_t i = 0; i < batch_limit; ++i) {
      std::error_code error;
      ++counters_.receive_calls;
      Calls::receive(socket_, {asio::buffer(&nothing, 1), asio::mutable_buffer()}, from_, error);
      if (error && !(truncation_is_an_error && error == asio::error::message_size)) break;
      ++counters_.dropped_no_buffer;
    }
    return out;
  }

  receive_buffers& buffers_;
  native_udp_socket& socket_;
  socket_address local_;
  udp_statistics& counters_;
  asio::ip::udp::endpoint from_;
  std::size_t small_messages_ = receive_buffers::small_run;  // in a row
};

/// What the senders of one network share, within one call.
struct portable_send_workspace {
  /// Asio passes no more parts to the system; a message of more is copied together.
  static constexpr std::size_t most_parts = 64;

  explicit portable_send_workspace(slab_pool& buffers) : pool(buffers) {
    parts.reserve(most_parts);
  }
  slab_pool& pool;
  std::vector<asio::const_buffer> parts;
};

/// The writing half. Cost: one system call for each datagram.
template <class Calls>
class portable_sender {
 public:
  portable_sender(portable_send_workspace& shared, native_udp_socket& socket, const udp_options&,
                  const socket_address& local, udp_statistics& counters) noexcept
      : shared_(shared), socket_(socket), local_(local), counters_(counters) {}

  [[nodiscard]] bool has_held() const noexcept { return false; }
  void send_held() noexcept {}
  std::size_t discard() noexcept { return 0; }
  [[nodiscard]] bool needs_pause() const noexcept { return needs_pause_; }

  accepted send(std::span<const outgoing_datagram> batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const chain& payload = batch[i].payload;
      shared_.parts.clear();
      slab_pool::filling joined;
      if (payload.part_count() <= shared_.most_parts) {
        for (std::size_t p = 0; p < payload.part_count(); ++p)
          shared_.parts.emplace_back(payload.part(p).data(), payload.part(p).size());
      } else if (const status refused = join(payload, joined); !refused.ok()) {
        return {i, refused};
      }
      const status why = send_one(batch[i].to);
      if (!why.ok()) return {i, why};
      ++counters_.datagrams_sent;
    }
    return batch.size();
  }

 private:
  status join(const chain& payload, slab_pool::filling& whole) noexcept {
    if (payload.size() > shared_.pool.slab_size()) return errc::message_too_large;
    whole = shared_.pool.acquire();
    if (!whole.has_memory()) return errc::no_buffer;
    payload.copy_to(whole.memory().data());
    ++counters_.copies;
    shared_.parts.emplace_back(whole.memory().data(), payload.size());
    return {};
  }
  status send_one(const socket_address& to) {
    const bool v6 = !local_.ip.is_v4();
    if (!v6 && !to.ip.is_v4()) return errc::not_supported;
    needs_pause_ = false;
    for (int attempt = 0; attempt < 16; ++attempt) {
      std::error_code error;
      ++counters_.send_calls;
      Calls::send(socket_, shared_.parts, to_endpoint(to, v6), error);
      if (!error) return {};
      if (error == asio::error::would_block || error == asio::error::try_again) {
        ++counters_.would_block;
        return errc::would_block;
      }
      if (error == asio::error::no_buffer_space) {
        ++counters_.no_buffer_space;
        needs_pause_ = true;
        return errc::would_block;
      }
      if (error == asio::error::message_size) return errc::message_too_large;
      if (error == asio::error::connection_refused || error == asio::error::connection_reset)
        ++counters_.reported_errors;  // of an earlier datagram
      else if (error != asio::error::interrupted) return from_asio(error);
    }
    return errc::would_block;
  }

  portable_send_workspace& shared_;
  native_udp_socket& socket_;
  socket_address local_;
  udp_statistics& counters_;
  bool needs_pause_ = false;  // a device queue has refused the last send
};

/// The portable way to move datagrams.
template <class Calls = asio_udp_calls>
struct portable_udp {
  /// What the sockets of one network share.
  struct workspace {
    explicit workspace(slab_pool& buffers) : receiving(buffers, 1), sending(buffers) {}
    receive_buffers receiving;
    portable_send_workspace sending;
  };
  using receiver = portable_receiver<Calls>;
  using sender = portable_sender<Calls>;

  static constexpr bool receives_trains = false;
  /// Asio has no name for SO_REUSEPORT.
  static void share_port(native_udp_socket&, std::error_code& error) noexcept {
    error = make_error_code(errc::not_supported);
  }
  static void enlarge_buffers(native_udp_socket& socket, const udp_options& options) noexcept {
    std::error_code ignored;  // the system's own sizes work too, with more loss
    socket.set_option(
        asio::socket_base::receive_buffer_size(static_cast<int>(options.receive_buffer)), ignored);
    socket.set_option(asio::socket_base::send_buffer_size(static_cast<int>(options.send_buffer)),
                      ignored);
  }
};

static_assert(datagram_transfer<portable_udp<>>);

}  // namespace lockgate::inline v0::detail
