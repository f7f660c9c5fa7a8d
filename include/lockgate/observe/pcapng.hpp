// Messages as packets, and what happened around them, in a pcapng file for Wireshark and tshark.
#pragma once

#include "lockgate/base/clock.hpp"                 // for duration, time_point
#include "lockgate/base/transport_id.hpp"          // for transport_id
#include "lockgate/base/without_throwing.hpp"      // for without_throwing
#include "lockgate/observe/log_line.hpp"           // for append_log_line, level_of
#include "lockgate/observe/output.hpp"             // for output
#include "lockgate/observe/packet.hpp"             // for append_packet
#include "lockgate/observe/text.hpp"               // for append_integer
#include "lockgate/platform/event.hpp"             // for event
#include "lockgate/platform/observed_message.hpp"  // for observed_message
#include "lockgate/platform/observer.hpp"          // for observer, observes_messages

#include <chrono>       // for microseconds
#include <cstddef>      // for size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t, uint64_t
#include <map>          // for map
#include <string>       // for string
#include <string_view>  // for string_view

namespace lockgate::inline v0 {

/// What a capture holds.
struct pcapng_options {
  /// Bytes of payload kept of each message; 0 keeps none, so that no content leaves the program.
  std::size_t snap_length = 65535;
  /// Added to the platform's time, so that it counts from 1970-01-01 UTC. 0: as it is.
  duration since_epoch{};
  /// Events that matter less are left out of the capture.
  log_level least = log_level::info;
};

/// An observer that writes a capture file while it happens (pcapng, draft-ietf-opsawg-pcapng).
///
/// A message is a packet on the interface of its instance, with the direction it had: those that
/// send_buffers has accepted, and those indicated to an endpoint, whether or not its queue had
/// room. It has no headers of its own, so an IPv6 and a UDP header are made for it (LINKTYPE_RAW),
/// whose addresses are the transport ids; "Decode As" finds the DTLS or QUIC that an application
/// speaks. It is what the application sent: captures of the network below show the provider's
/// packets. Events are journal entries between the packets, as `append_log_line` has them.
///
/// A capture holds what applications sent, in the clear where they did not encrypt it.
///
/// Cost: no allocation in the steady state; a copy of what is kept of each message.
class pcapng {
 public:
  explicit pcapng(output to, const pcapng_options& wish = {}) : to_(to), wish_(wish) {
    block_.reserve(2048);
    write_section_header();
  }
  pcapng(const pcapng&) = delete;

  /// What the capture calls an instance. Once a message of it has been written, its name is fixed.
  /// Errors: throws `std::bad_alloc`.
  void name_instance(std::uint32_t instance, std::string_view name) { names_[instance] = name; }

  void on(const event& e) noexcept {
    if (level_of(e) < wish_.least) return;
    if (!detail::without_throwing([&] { write_entry(e); }).ok()) ++lost_;
  }
  /// Writes a message as a packet.
  void on_message(const observed_message& m) noexcept {
    if (!detail::without_throwing([&] { write_message(m); }).ok()) ++lost_;
  }
  /// Messages and events for which there was no memory.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  // Block types and options of draft-ietf-opsawg-pcapng sections 3 and 4. All numbers are in the
  // order of this machine; the section header says which one that is.
  static constexpr std::uint32_t section_header = 0x0a0d0d0a, interface_description = 1,
                                 enhanced_packet = 6, journal_export = 9;
  static constexpr std::uint16_t end_of_options = 0, interface_name = 2, timestamp_resolution = 9,
                                 packet_flags = 2;
  static constexpr std::uint16_t link_type_raw = 101;
  static constexpr std::uint32_t inbound = 1, outbound = 2;

  void write_section_header() {
    begin(section_header);
    put(std::uint32_t{0x1a2b3c4d});
    put(std::uint16_t{1});  // version 1.0
    put(std::uint16_t{0});
    put(~std::uint64_t{0});  // a section of unknown length
    end();
  }

  /// The number of the instance's interface, described before its first packet.
  std::uint32_t interface_of(std::uint32_t instance) {
    const auto [at, is_new] =
        interfaces_.try_emplace(instance, static_cast<std::uint32_t>(interfaces_.size()));
    if (!is_new) return at->second;
    begin(interface_description);
    put(link_type_raw);
    put(std::uint16_t{0});
    put(std::uint32_t{0});  // packets of any length
    std::string name = "instance ";
    detail::append_integer(name, instance);
    if (const auto known = names_.find(instance); known != names_.end())
      name += " (" + known->second + ")";
    option(interface_name, name);
    option(timestamp_resolution, std::string_view("\x09", 1));  // nanoseconds
    put(end_of_options);
    put(std::uint16_t{0});
    end();
    return at->second;
  }

  void write_message(const observed_message& m) {
    const std::uint32_t on = interface_of(m.instance);
    begin(enhanced_packet);
    put(on);
    const auto time =
        static_cast<std::uint64_t>((m.at.time_since_epoch() + wish_.since_epoch).count());
    put(static_cast<std::uint32_t>(time >> 32));
    put(static_cast<std::uint32_t>(time));
    const std::size_t lengths = block_.size();
    put(std::uint32_t{0});
    put(static_cast<std::uint32_t>(detail::packet_header_size + m.size));
    const std::size_t kept = detail::append_packet(block_, m, wish_.snap_length);
    set(lengths, static_cast<std::uint32_t>(kept));
    pad();
    put(packet_flags);
    put(std::uint16_t{4});
    put(m.way == observed_message::direction::sent ? outbound : inbound);
    put(end_of_options);
    put(std::uint16_t{0});
    end();
  }

  /// Fields of the systemd journal export format, which readers show between the packets.
  void write_entry(const event& e) {
    begin(journal_export);
    const duration time = e.at.time_since_epoch() + wish_.since_epoch;
    block_ += "__REALTIME_TIMESTAMP=";
    detail::append_integer(block_,
                           std::chrono::duration_cast<std::chrono::microseconds>(time).count());
    block_ += "\nSYSLOG_IDENTIFIER=lockgate\nPRIORITY=";
    block_ += priority_of(level_of(e));
    block_ += "\nMESSAGE=";
    append_log_line(block_, e);
    block_ += '\n';
    pad();
    end();
  }
  /// Severities of RFC 5424 6.2.1.
  [[nodiscard]] static char priority_of(log_level level) noexcept {
    switch (level) {
      case log_level::error: return '3';
      case log_level::warning: return '4';
      case log_level::info: return '6';
      default: return '7';
    }
  }

  template <class N>
  void put(N value) {
    block_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void set(std::size_t at, std::uint32_t value) {
    block_.replace(at, sizeof value, reinterpret_cast<const char*>(&value), sizeof value);
  }
  void pad() { block_.append((4 - block_.size() % 4) % 4, '\0'); }
  void option(std::uint16_t code, std::string_view value) {
    put(code);
    put(static_cast<std::uint16_t>(value.size()));
    block_ += value;
    pad();
  }
  void begin(std::uint32_t type) {
    block_.clear();
    put(type);
    put(std::uint32_t{0});
  }
  /// A block has its length at both ends.
  void end() {
    const auto length = static_cast<std::uint32_t>(block_.size() + 4);
    put(length);
    set(4, length);
    to_.write(block_);
  }

  output to_;
  pcapng_options wish_;
  std::string block_;
  std::map<std::uint32_t, std::string> names_;
  std::map<std::uint32_t, std::uint32_t> interfaces_;
  std::uint64_t lost_ = 0;
};

static_assert(observer<pcapng> && observes_messages<pcapng>);

}  // namespace lockgate::inline v0
