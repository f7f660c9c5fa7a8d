// The sending side: offers the file, keeps the window full, and waits for the verdict.
#pragma once

#include "file.hpp"         // for mapped_file, sha256
#include "report.hpp"       // for progress, measurement
#include "send_window.hpp"  // for send_window
#include "side.hpp"         // for side

#include <algorithm>  // for min
#include <array>      // for array
#include <chrono>     // for milliseconds, seconds
#include <memory>     // for unique_ptr, make_unique
#include <string>     // for string

namespace carry {

class sender {
 public:
  sender(side& s, const mapped_file& file)
      : side_(s), file_(file.bytes()), chunk_size_(s.want.chunk_size),
        chunks_((file_.size() + chunk_size_ - 1) / chunk_size_),
        window_(static_cast<std::uint32_t>(chunks_), s.want.window),
        progress_(s.seen, file_.size()) {
    if (chunks_ > 0x7fffffff) throw std::runtime_error("the file is too large for such chunks");
    offer_ = write(offer{file_.size(), chunk_size_, sha256(file_)});
  }

  lockgate::task<> run() {
    using namespace std::chrono_literals;
    side_.expect();
    while (!accepted_) co_await ask(100ms);
    measurement measured(side_);
    while (!window_.is_finished() && !verdict_) {  // a verdict says that all has arrived
      co_await fill_window();
      const bool heard = co_await side_.hear(window_.retransmit_at());
      const lockgate::time_point now = side_.net.home().now();
      if (heard) take_in(now);
      else window_.timed_out(now);
      progress_.show(std::uint64_t{window_.arrived()} * chunk_size_, window_.losses(), now);
    }
    progress_.end(window_.losses());
    measured.end();
    side_.expect(std::chrono::seconds(file_.size() / 100'000'000));  // the other side hashes it
    while (!verdict_) co_await ask(200ms);
    const auto bye = write_bye();
    for (int i = 0; i < 3; ++i) co_await side_.say(lockgate::chain(bye));  // spares it waiting
    side_.seen.end_view();
    measured.print("sent", file_.size(), chunks_);
    std::printf("  sent again %llu (%llu timeouts), round trip %.2f ms\n",
                static_cast<unsigned long long>(window_.transmissions() - chunks_),
                static_cast<unsigned long long>(window_.timeouts()),
                std::chrono::duration<double, std::milli>(window_.round_trip()).count());
    if (!*verdict_) throw std::runtime_error("what arrived has another SHA-256");
  }

 private:
  static constexpr std::size_t batch_size = 64;
  struct batch {
    std::array<chunk_header, batch_size> headers;
    std::array<bytes_view, batch_size> payloads;
    std::array<lockgate::message_to, batch_size> messages;
  };

  /// Offers the file, which is also the question whether it has arrived.
  lockgate::task<> ask(lockgate::duration patience) {
    co_await side_.say(lockgate::chain(offer_));
    const lockgate::time_point now = side_.net.home().now();
    const bool heard = co_await side_.hear(now + patience);
    if (heard) take_in(now);
  }

  lockgate::task<> fill_window() {
    for (;;) {
      const std::size_t count = fill_batch();
      if (count == 0) co_return;
      const lockgate::accepted outcome =
          co_await side_.app.send_to(std::span(batch_->messages).first(count));
      check(outcome.why, "send");
    }
  }
  /// The bytes of a chunk are the file's own memory; only the header is written.
  std::size_t fill_batch() {
    const lockgate::time_point now = side_.net.home().now();
    std::size_t count = 0;
    while (count < batch_size) {
      const std::optional<std::uint32_t> number = window_.next(now);
      if (!number) break;
      if (side_.lose()) continue;
      write(batch_->headers[count], *number,
            static_cast<std::uint64_t>(now.time_since_epoch().count()));
      const std::size_t at = std::size_t{*number} * chunk_size_;
      batch_->payloads[count] =
          file_.subspan(at, std::min<std::size_t>(chunk_size_, file_.size() - at));
      batch_->messages[count] = {
          side_.peer,
          lockgate::chain(batch_->headers[count], std::span(&batch_->payloads[count], 1))};
      ++count;
    }
    return count;
  }

  void take_in(lockgate::time_point now) {
    for (lockgate::incoming& message : side_.heard()) {
      const carry::message m = read(message.contiguous());
      if (!m.valid) continue;
      if (m.what == kind::ack || m.what == kind::done) accepted_ = true;
      if (m.what == kind::ack) window_.acknowledged(m.ack, now);
      if (m.what == kind::done) verdict_ = m.right;
      message = lockgate::incoming();
    }
  }

  side& side_;
  bytes_view file_;
  std::uint16_t chunk_size_;
  std::uint64_t chunks_;
  send_window window_;
  progress progress_;
  std::array<std::byte, 43> offer_{};
  bool accepted_ = false;
  std::optional<bool> verdict_;
  std::unique_ptr<batch> batch_ = std::make_unique<batch>();
};

}  // namespace carry
