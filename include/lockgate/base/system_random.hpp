// Random bytes from the operating system. Apart from random.hpp, since <random> costs compilers a
// lot.
#pragma once

#include "lockgate/base/random.hpp"  // for random_source

#include <cstddef>  // for byte
#include <cstring>  // for memcpy
#include <random>   // for random_device
#include <span>     // for span

namespace lockgate::inline v0 {

/// The operating system's source, unpredictable to outsiders.
///
/// Cost: a system call for every 4 bytes where `std::random_device` makes one.
class system_random final : public random_source {
 public:
  system_random() : device_(source()) {}
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const std::random_device::result_type word = device_();
      const auto n = out.size() < sizeof word ? out.size() : sizeof word;
      std::memcpy(out.data(), &word, n);
      out = out.subspan(n);
    }
  }

 private:
  /// libstdc++'s default is the processor's RDSEED, which takes tens of microseconds in many
  /// virtual machines; the kernel's source takes a fraction of one. libc++ knows no other name.
  static const char* source() noexcept {
#ifdef _WIN32
    return "default";
#else
    return "/dev/urandom";
#endif
  }

  std::random_device device_;
};

}  // namespace lockgate::inline v0
