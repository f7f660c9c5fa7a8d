// Where an observer writes to: a stream, a string, or any function that takes bytes.
#pragma once

#include <concepts>     // for invocable
#include <memory>       // for addressof
#include <ostream>      // for ostream
#include <string>       // for string
#include <string_view>  // for string_view
#include <type_traits>  // for remove_const_t

namespace lockgate::inline v0 {

/// Takes what an observer writes, piece by piece. It owns nothing.
///
/// Requires: writing throws nothing but `std::bad_alloc`.
/// Lifetime: what it writes to outlives it.
class output {
 public:
  output(std::ostream& to) noexcept
      : to_(&to), write_([](void* stream, std::string_view bytes) {
          static_cast<std::ostream*>(stream)->write(bytes.data(),
                                                    static_cast<std::streamsize>(bytes.size()));
        }) {}
  output(std::string& to) noexcept
      : to_(&to), write_([](void* text, std::string_view bytes) {
          static_cast<std::string*>(text)->append(bytes);
        }) {}
  template <std::invocable<std::string_view> F>
  output(F& to) noexcept
      : to_(const_cast<std::remove_const_t<F>*>(std::addressof(to))),
        write_(
            [](void* function, std::string_view bytes) { (*static_cast<F*>(function))(bytes); }) {}

  /// Passes `bytes` on, which are borrowed for the call.
  void write(std::string_view bytes) const { write_(to_, bytes); }

 private:
  void* to_;
  void (*write_)(void*, std::string_view);
};

}  // namespace lockgate::inline v0
