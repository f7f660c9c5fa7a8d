// Build switches and the contract check. The only header with macros of general use.
#pragma once

#include <cstdio>   // for fprintf
#include <cstdlib>  // for abort

/// 1 in checked builds (the default without NDEBUG): broken contracts stop the program, naming the
/// rule. Changes no layout, so checked and unchecked translation units may be mixed.
#ifndef LOCKGATE_CHECKED
#ifdef NDEBUG
#define LOCKGATE_CHECKED 0
#else
#define LOCKGATE_CHECKED 1
#endif
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define LOCKGATE_HAS_EXCEPTIONS 1
#else
#define LOCKGATE_HAS_EXCEPTIONS 0
#endif

/// What need not be compiled in every unit is defined with this word. It is `inline`, unless all
/// units of a program define LOCKGATE_SEPARATE_COMPILATION; then one of them includes
/// lockgate/source.hpp.
#ifdef LOCKGATE_SEPARATE_COMPILATION
#define LOCKGATE_INLINE
#else
#define LOCKGATE_INLINE inline
#endif

#if defined(__SANITIZE_ADDRESS__)
#define LOCKGATE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKGATE_ASAN 1
#endif
#endif
#ifndef LOCKGATE_ASAN
#define LOCKGATE_ASAN 0
#endif

namespace lockgate::inline v0 {

/// What runs when a contract is broken: prints or records, and must not return.
using contract_handler = void (*)(const char* rule, const char* file, int line);

/// The handler unless another one is set: prints the rule and stops the program.
[[noreturn]] inline void abort_on_broken_contract(const char* rule, const char* file, int line) {
  std::fprintf(stderr, "lockgate: broken contract: %s (%s:%d)\n", rule, file, line);
  std::abort();
}

/// The handler in use; a test may install one that throws.
inline contract_handler broken_contract = abort_on_broken_contract;

}  // namespace lockgate::inline v0

/// Fails fast, in every build: for contracts whose breach would corrupt memory.
#define LOCKGATE_REQUIRE(condition, rule) \
  ((condition) ? static_cast<void>(0) : ::lockgate::broken_contract(rule, __FILE__, __LINE__))

/// Fails fast in checked builds; costs nothing in others.
#if LOCKGATE_CHECKED
#define LOCKGATE_ASSERT(condition, rule) LOCKGATE_REQUIRE(condition, rule)
#else
#define LOCKGATE_ASSERT(condition, rule) static_cast<void>(0)
#endif
