// The receiving side: writes chunks where they belong, says what has arrived, and compares the
// whole.
#pragma once

#include "file.hpp"            // for output_file, mapped_file, sha256
#include "receive_window.hpp"  // for receive_window
#include "report.hpp"          // for measurement
#include "side.hpp"            // for side

#include <array>     // for array
#include <chrono>    // for seconds
#include <optional>  // for optional
#include <string>    // for string
#include <vector>    // for vector

namespace carry {

class receiver {
 public:
  receiver(side& s, std::string path) : side_(s), path_(std::move(path)) {
    pieces_.reserve(side_.heard().size() + 256);
  }

  lockgate::task<> run() {
    using namespace std::chrono_literals;
    side_.expect();
    while (!window_ || !window_->is_complete()) {
      const bool heard = co_await side_.hear(side_.net.home().now() + 1s);
      if (!heard) continue;
      take_in();
      if (window_) co_await answer();
    }
    measured_->end();
    const bool right = sha256(mapped_file(path_).bytes()) == offer_.sha256;
    const auto done = write_done(right);
    for (bool heard = true; heard && !dismissed_;) {
      co_await side_.say(lockgate::chain(done));
      heard = co_await side_.hear(side_.net.home().now() + 3s);  // it may not have heard
      if (heard) take_in();
    }
    side_.seen.end_view();
    measured_->print("received", offer_.size, window_size());
    std::printf("  chunks that came twice %llu, malformed messages %llu\n", twice_, malformed_);
    if (!right) throw std::runtime_error(path_ + ": the SHA-256 is not the sender's");
    std::printf("  the SHA-256 is the sender's\n");
  }

 private:
  void take_in() {
    for (lockgate::incoming& received : side_.heard()) {
      const message m = read(received.contiguous());
      if (m.valid && m.what == kind::offer) begin(m.offer);
      else if (m.valid && m.what == kind::chunk && window_) take(m.chunk);
      else if (m.valid && m.what == kind::bye) dismissed_ = true;
      else ++malformed_;
    }
    write_pieces();
    for (lockgate::incoming& received : side_.heard()) received = lockgate::incoming();
  }

  void begin(const offer& offered) {
    if (window_) return;  // asked again
    offer_ = offered;
    if (window_size() > 0x7fffffff) throw std::runtime_error("the file offered is too large");
    measured_.emplace(side_);
    file_.emplace(path_, offer_.size);
    window_.emplace(static_cast<std::uint32_t>(window_size()));
  }
  [[nodiscard]] std::uint64_t window_size() const noexcept {
    return offer_.size / offer_.chunk_size + (offer_.size % offer_.chunk_size > 0 ? 1 : 0);
  }

  /// Neighbouring chunks are gathered, and written where they lie with one call.
  void take(const chunk& c) {
    const std::uint64_t at = std::uint64_t{c.number} * offer_.chunk_size;
    if (at >= offer_.size ||
        c.payload.size() != std::min<std::uint64_t>(offer_.chunk_size, offer_.size - at)) {
      ++malformed_;
      return;
    }
    echo_ = c.sent_at;
    if (!window_->add(c.number)) {
      ++twice_;
      return;
    }
    if (at != pieces_end_) {
      write_pieces();
      pieces_begin_ = at;
    }
    pieces_end_ = at + c.payload.size();
    pieces_.push_back({const_cast<std::byte*>(c.payload.data()), c.payload.size()});
  }
  void write_pieces() {
    if (pieces_.empty()) return;
    file_->write(pieces_, pieces_begin_);
    pieces_.clear();
    pieces_begin_ = pieces_end_;
  }

  lockgate::task<> answer() {
    const ack now = window_->describe(echo_);
    const auto head = write(now);
    const std::array<bytes_view, 1> rest{now.later};
    co_await side_.say(lockgate::chain(head, rest));
  }

  side& side_;
  std::string path_;
  offer offer_{0, 1, {}};
  std::optional<output_file> file_;
  std::optional<receive_window> window_;
  std::optional<measurement> measured_;
  std::vector<iovec> pieces_;
  std::uint64_t pieces_begin_ = 0;
  std::uint64_t pieces_end_ = 0;
  std::uint64_t echo_ = 0;
  unsigned long long twice_ = 0;
  unsigned long long malformed_ = 0;
  bool dismissed_ = false;
};

}  // namespace carry
