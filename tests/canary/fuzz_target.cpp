// A planted fault behind four bytes: the fuzzer must find them, and AddressSanitizer the fault.
#include <cstddef>  // for size_t
#include <cstdint>  // for uint8_t
#include <memory>   // for unique_ptr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5 || data[0] != 'g' || data[1] != 'a' || data[2] != 't' || data[3] != 'e') return 0;
  const auto room = std::make_unique<std::uint8_t[]>(4);
  volatile std::uint8_t* const held = room.get();
  held[4 + data[4] / 64] = data[4];
  return 0;
}
