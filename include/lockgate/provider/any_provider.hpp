// A provider whose type is erased: the dispatch table as function pointers, as the original has it.
#pragma once

#include "lockgate/provider/answer.hpp"          // for answer, call_row
#include "lockgate/provider/check_provider.hpp"  // for check_provider
#include "lockgate/provider/rows.hpp"            // for provider

#include <new>      // for nothrow
#include <span>     // for span
#include <utility>  // for exchange, forward, in_place_type_t

namespace lockgate::inline v0 {

/// The eight rows of one provider type (dd441740). The optional ones are null where absent.
struct dispatch_table {
  answer<void> (*establish_session)(void*, instance) noexcept;
  answer<void> (*terminate_session)(void*, termination_reason) noexcept;
  answer<status> (*transition_active)(void*) noexcept;
  answer<status> (*transition_dormant)(void*) noexcept;
  answer<status> (*add_transport_id)(void*, transport_id) noexcept;
  answer<status> (*remove_transport_id)(void*, transport_id) noexcept;
  answer<status> (*reach_transport_id)(void*, transport_id) noexcept;
  answer<accepted> (*send_buffers)(void*, std::span<const outgoing>) noexcept;
  void (*destroy)(void*) noexcept;
  bool sends_trains = false;  ///< send_buffers may be given trains
};

namespace detail {

template <class P>
struct table_of {
  static P& self(void* p) noexcept { return *static_cast<P*>(p); }

  static answer<status> dormant(void* p) noexcept {
    return call_row<status>([&] { return self(p).transition_dormant(); });
  }
  static answer<status> add(void* p, transport_id id) noexcept {
    return call_row<status>([&] { return self(p).add_transport_id(id); });
  }
  static answer<status> remove(void* p, transport_id id) noexcept {
    return call_row<status>([&] { return self(p).remove_transport_id(id); });
  }
  static constexpr dispatch_table make() noexcept {
    dispatch_table table{
        .establish_session =
            [](void* p, instance given) noexcept {
              return call_row<void>([&] { return self(p).establish_session(given); });
            },
        .terminate_session =
            [](void* p, termination_reason why) noexcept {
              return call_row<void>([&] { return self(p).terminate_session(why); });
            },
        .transition_active =
            [](void* p) noexcept {
              return call_row<status>([&] { return self(p).transition_active(); });
            },
        .transition_dormant = nullptr,
        .add_transport_id = nullptr,
        .remove_transport_id = nullptr,
        .reach_transport_id =
            [](void* p, transport_id peer) noexcept {
              return call_row<status>([&] { return self(p).reach_transport_id(peer); });
            },
        .send_buffers =
            [](void* p, std::span<const outgoing> messages) noexcept {
              return call_row<accepted>([&] { return self(p).send_buffers(messages); });
            },
        .destroy = [](void* p) noexcept { delete static_cast<P*>(p); },
        .sends_trains = lockgate::sends_trains<P>,
    };
    if constexpr (transitions_dormant<P>) table.transition_dormant = dormant;
    if constexpr (adds_transport_id<P>) table.add_transport_id = add;
    if constexpr (removes_transport_id<P>) table.remove_transport_id = remove;
    return table;
  }
  static constexpr dispatch_table value = make();
};

}  // namespace detail

/// Owns a provider of any type and offers its rows; itself a provider.
///
/// Cost: a call through a function pointer per row. There is no binary promise: both sides must be
///       built with the same version of the library.
class any_provider {
 public:
  any_provider() noexcept = default;
  /// Makes a `P` from `arguments`. Errors: throws what the constructor throws, or `std::bad_alloc`.
  template <class P, class... Arguments>
  explicit any_provider(std::in_place_type_t<P>, Arguments&&... arguments) {
    check_provider<P>();
    if constexpr (provider<P>) {  // otherwise the sentences above are all there is to say
      self_ = new P(std::forward<Arguments>(arguments)...);
      table_ = &detail::table_of<P>::value;
    }
  }
  /// Adopts `self`, whose rows are `table`; `table.destroy` ends it. `table` outlives the provider.
  any_provider(const dispatch_table& table, void* self) noexcept : table_(&table), self_(self) {}
  any_provider(any_provider&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), self_(std::exchange(other.self_, nullptr)) {}
  any_provider& operator=(any_provider&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(self_, other.self_);
    return *this;
  }
  ~any_provider() {
    if (table_) table_->destroy(self_);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return table_ != nullptr; }
  /// What tells provider types apart: instances of one type share it.
  [[nodiscard]] const dispatch_table& table() const noexcept { return *table_; }
  /// Whether send_buffers may be given trains.
  [[nodiscard]] bool sends_trains() const noexcept { return table_->sends_trains; }
  /// The provider itself.
  [[nodiscard]] void* get() const noexcept { return self_; }

  answer<void> establish_session(instance given) noexcept {
    return table_->establish_session(self_, given);
  }
  answer<void> terminate_session(termination_reason why) noexcept {
    return table_->terminate_session(self_, why);
  }
  answer<status> transition_active() noexcept { return table_->transition_active(self_); }
  answer<status> reach_transport_id(transport_id peer) noexcept {
    return table_->reach_transport_id(self_, peer);
  }
  answer<accepted> send_buffers(std::span<const outgoing> messages) noexcept {
    return table_->send_buffers(self_, messages);
  }
  // The optional rows answer success where the provider has none.
  answer<status> transition_dormant() noexcept {
    return table_->transition_dormant ? table_->transition_dormant(self_)
                                      : answer<status>(status());
  }
  answer<status> add_transport_id(transport_id id) noexcept {
    return table_->add_transport_id ? table_->add_transport_id(self_, id)
                                    : answer<status>(status());
  }
  answer<status> remove_transport_id(transport_id id) noexcept {
    return table_->remove_transport_id ? table_->remove_transport_id(self_, id)
                                       : answer<status>(status());
  }

 private:
  const dispatch_table* table_ = nullptr;
  void* self_ = nullptr;
};

static_assert(id_aware_provider<any_provider> && dormant_provider<any_provider>);

}  // namespace lockgate::inline v0
