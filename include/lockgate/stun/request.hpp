// Sans-I/O: one request under long-term credentials, from its first byte to its outcome.
#pragma once

#include "lockgate/base/clock.hpp"          // for time_point
#include "lockgate/base/random.hpp"         // for random_source
#include "lockgate/stun/authenticator.hpp"  // for authenticator
#include "lockgate/stun/transaction.hpp"    // for transaction

#include <chrono>    // for milliseconds
#include <concepts>  // for same_as
#include <cstddef>   // for byte
#include <cstdint>   // for uint8_t
#include <span>      // for span
#include <vector>    // for vector

namespace lockgate::inline v0::stun {

/// What a request says besides its credentials: a method, and attributes that can be written anew
/// for each attempt (an XOR address depends on the transaction id).
template <class B>
concept request_body = requires(const B& body, encoder& out) {
  { body.kind() } noexcept -> std::same_as<method>;
  body.write(out);
};

/// How a request ended.
enum class request_result : std::uint8_t {
  pending,
  success,
  error,               ///< `code` says which
  timed_out,           ///< nobody answered
  integrity_violated,  ///< only answers that could not be trusted
  bid_down,            ///< an answer tried to weaken the authentication
  no_algorithm,        ///< the server wants an algorithm that we do not have
  realm_changed,       ///< the server answers for another realm
  untrusted_redirect,  ///< a 300 that nobody signed, and nothing better after it
  protocol_error,      ///< an answer that RFC 8489 does not allow
};

/// How a request ended, and the error code that the server gave, if it did.
struct request_outcome {
  request_result result = request_result::pending;
  error_code code = error_code::none;

  friend constexpr bool operator==(const request_outcome&,
                                   const request_outcome&) noexcept = default;
};

/// What requests have in common.
struct request_settings {
  transport via = transport::datagram;
  retransmission schedule;
  /// How long an unauthenticated 300, 437 or 441 waits for a better answer (RFC 8489 sections 9.2.5
  /// and 14.8 would discard it; coturn 4.6 sends no other).
  duration hint_grace = std::chrono::milliseconds(500);
  int max_challenges = 4;  ///< 401 and 438 answered per request
  int max_resends = 4;     ///< after 500 (RFC 8489 section 6.3.4)
};

/// One request and its retransmissions, through challenges, stale nonces and server errors.
///
/// Use: `start`; then `next(now)` until it is not `send`, again at `deadline()`; hand responses
/// with its `id()` to `receive`. `outcome()` is `pending` until it is decided.
///
/// Errors: RFC 8489 section 9.2.5: over datagrams an answer without valid integrity never ends an
///         authenticated request; 401 and 438 need none; 300, 437 and 441 without are hints,
///         and a 300 without is never followed (section 14.8).
template <crypto C, request_body Body>
class request {
 public:
  /// Begins; signed at once if the credentials are ready. Lifetime: `auth`, `random` and `settings`
  /// outlive the request.
  void start(const Body& body, authenticator<C>& auth, random_source& random,
             const request_settings& settings, time_point now) {
    body_ = body;
    auth_ = &auth;
    random_ = &random;
    settings_ = &settings;
    outcome_ = {};
    challenges_ = resends_ = 0;
    active_ = true;
    attempt(now);
  }
  /// Forgets the request; a late answer is not its own any more.
  void cancel() noexcept { active_ = false; }

  [[nodiscard]] bool is_active() const noexcept { return active_; }
  /// Whether the server may have seen a signed request.
  [[nodiscard]] bool has_sent_signed() const noexcept {
    return active_ && signed_ && transaction_.has_sent();
  }
  [[nodiscard]] const transaction_id& id() const noexcept { return id_; }
  [[nodiscard]] request_outcome outcome() const noexcept { return outcome_; }
  /// The message to send. Lifetime: until the next call.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }

  /// What to do now: true to send `bytes()`. Requires: `is_active()`.
  [[nodiscard]] bool next(time_point now) noexcept {
    if (is_unusable_)  // the cryptographic library failed
      return finish(request_result::no_algorithm), false;
    if (hint_ != error_code::none && now >= hint_deadline_) return finish_by_hint(hint_), false;
    switch (transaction_.next(now)) {
      case transaction_action::send: return true;
      case transaction_action::timed_out:
        if (hint_ != error_code::none) finish_by_hint(hint_);
        else finish(request_result::timed_out);
        return false;
      case transaction_action::integrity_violated:
        finish(request_result::integrity_violated);
        return false;
      case transaction_action::wait: return false;
    }
    return false;
  }
  [[nodiscard]] time_point deadline() const noexcept {
    return hint_ != error_code::none && hint_deadline_ < transaction_.deadline()
               ? hint_deadline_
               : transaction_.deadline();
  }

  /// Takes a success or error response with this request's id; false if it was not trusted.
  [[nodiscard]] bool receive(const message_view& response, time_point now) {
    if (response.method() != body_.kind()) return false;
    const bool failed = response.kind() == message_class::error;
    const error_code code = failed ? error_of(response) : error_code::none;
    if (failed && (code == error_code::unauthenticated || code == error_code::stale_nonce))
      return challenged(response, code, now);
    // Only a signed 300 is followed, and nobody signs the answer to an unsigned request.
    if (signed_ ? !auth_->verify(response) : code == error_code::try_alternate)
      return distrust(code, now);
    if (has_unknown_required_attribute(response) || (failed && code == error_code::none))
      finish(request_result::protocol_error);
    else if (code == error_code::server_error && resends_ < settings_->max_resends) resend(now);
    else finish(failed ? request_result::error : request_result::success, code);
    return true;
  }

 private:
  void finish(request_result result, error_code code = error_code::none) noexcept {
    outcome_ = {result, code};
    active_ = false;
  }

  void finish_by_hint(error_code code) noexcept {
    if (code == error_code::try_alternate) finish(request_result::untrusted_redirect);
    else finish(request_result::error, code);
  }

  void attempt(time_point now) {
    signed_ = auth_->is_ready();
    version_ = auth_->version();
    random_->fill(id_);
    constexpr std::size_t unsigned_bound = 128;  // header and body of every TURN request
    bytes_.resize(unsigned_bound + auth_->size_bound());
    encoder out(bytes_, message_class::request, body_.kind(), id_);
    body_.write(out);
    if (signed_) auth_->sign(out);
    size_ = out.size();
    hint_ = error_code::none;
    transaction_.start(now, settings_->via, settings_->schedule);
    is_unusable_ = !out.ok();
  }

  [[nodiscard]] bool challenged(const message_view& response, error_code code, time_point now) {
    const bool was_current = version_ == auth_->version();
    const auto verdict = auth_->answer(response);
    // Refused with the same nonce, or again: the name and password are wrong, and stay so.
    if (code == error_code::unauthenticated && signed_ && verdict == challenge_verdict::answered &&
        (challenges_ > 0 || (was_current && version_ == auth_->version())))
      return finish(request_result::error, code), true;
    const bool attack = verdict == challenge_verdict::bid_down ||
                        verdict == challenge_verdict::malformed ||
                        verdict == challenge_verdict::realm_changed;
    if (attack && signed_ && settings_->via == transport::datagram)
      return distrust(code, now);  // it proves nothing: the true server may still answer
    switch (verdict) {
      case challenge_verdict::answered:
        if (++challenges_ > settings_->max_challenges) finish(request_result::error, code);
        else attempt(now);
        return true;
      case challenge_verdict::bid_down: return finish(request_result::bid_down), true;
      case challenge_verdict::realm_changed: return finish(request_result::realm_changed), true;
      case challenge_verdict::no_algorithm: return finish(request_result::no_algorithm), true;
      case challenge_verdict::malformed: return finish(request_result::protocol_error), true;
    }
    return false;
  }

  /// An answer without valid integrity: noted, perhaps a hint, never the end over datagrams.
  [[nodiscard]] bool distrust(error_code code, time_point now) noexcept {
    const bool hint =
        code == error_code::try_alternate || (signed_ && (code == error_code::allocation_mismatch ||
                                                          code == error_code::wrong_credentials));
    if (hint && settings_->via == transport::stream) {
      finish_by_hint(code);
    } else if (hint) {
      if (hint_ == error_code::none) hint_deadline_ = now + settings_->hint_grace;
      hint_ = code;
    } else if (transaction_.discard() == transaction_action::integrity_violated) {
      finish(request_result::integrity_violated);
    }
    return false;
  }

  void resend(time_point now) {
    attempt(now + settings_->schedule.first_timeout * (1 << resends_));
    ++resends_;
  }

  Body body_{};
  authenticator<C>* auth_ = nullptr;
  random_source* random_ = nullptr;
  const request_settings* settings_ = nullptr;
  transaction transaction_;
  transaction_id id_{};
  std::vector<std::byte> bytes_;
  std::size_t size_ = 0;
  request_outcome outcome_;
  error_code hint_ = error_code::none;
  time_point hint_deadline_ = never;
  std::uint32_t version_ = 0;
  int challenges_ = 0;
  int resends_ = 0;
  bool signed_ = false;
  bool is_unusable_ = false;
  bool active_ = false;
};

}  // namespace lockgate::inline v0::stun
