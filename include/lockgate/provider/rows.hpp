// The dispatch table as concepts: one for each row, and `provider` from the required ones.
//
// A row answers now (it returns the result) or later (it returns something to await, see
// provider/answer.hpp). The names are those of the original's callbacks.
#pragma once

#include "lockgate/base/accepted.hpp"                // for accepted
#include "lockgate/base/status.hpp"                  // for status
#include "lockgate/base/transport_id.hpp"            // for transport_id
#include "lockgate/provider/answer.hpp"              // for answers
#include "lockgate/provider/instance.hpp"            // for instance
#include "lockgate/provider/message.hpp"             // for outgoing
#include "lockgate/provider/termination_reason.hpp"  // for termination_reason

#include <span>         // for span
#include <type_traits>  // for is_final_v, is_class_v

namespace lockgate::inline v0 {

/// Row 1 (dd441739): prepares a session; cannot fail, so a failed preparation surfaces as a failed
/// transition_active (G7, G8). Called once, after a successful registration; no other row starts
/// before it has ended (G1, G3, G11).
template <class P>
concept establishes_session = requires(P& p, instance self) {
  { p.establish_session(self) } -> answers<void>;
};

/// Row 2 (dd441744): ends an established session; the last row called, exactly once (G19, G20,
/// G22).
template <class P>
concept terminates_session = requires(P& p, termination_reason reason) {
  { p.terminate_session(reason) } -> answers<void>;
};

/// Row 3 (dd441745): there is demand, make ready to send; may fail and will be tried again (G39,
/// G41).
template <class P>
concept transitions_active = requires(P& p) {
  { p.transition_active() } -> answers<status>;
};

/// Row 7 (dd441741): can this peer be reached, unambiguously, through this instance? (G30, G36)
template <class P>
concept reaches_transport_id = requires(P& p, transport_id peer) {
  { p.reach_transport_id(peer) } -> answers<status>;
};

/// Row 8 (dd441743): sends messages to peers that were reached. Answers how many it accepted, and
/// why it did not accept the next one (G26, G30, G31).
template <class P>
concept sends_buffers = requires(P& p, std::span<const outgoing> messages) {
  { p.send_buffers(messages) } -> answers<accepted>;
};

/// Row 4 (dd441746), optional: nobody needs the instance for now; the result changes nothing (G40).
template <class P>
concept transitions_dormant = requires(P& p) {
  { p.transition_dormant() } -> answers<status>;
};

/// Row 5 (dd441738), optional: an id is associated with the instance; a failure makes the platform
/// propose another one (G34, G35).
template <class P>
concept adds_transport_id = requires(P& p, transport_id id) {
  { p.add_transport_id(id) } -> answers<status>;
};

/// Row 6 (dd441742), optional: the reverse of row 5.
template <class P>
concept removes_transport_id = requires(P& p, transport_id id) {
  { p.remove_transport_id(id) } -> answers<status>;
};

/// A provider that says `static constexpr bool sends_trains = true;`: its send_buffers is given
/// forwarded messages of one size that lie end to end as one, a train (`outgoing::segment_size`).
template <class P>
concept sends_trains = sends_buffers<P> && static_cast<bool>(P::sends_trains);

namespace detail {

/// Whether `P` has a member of the row's name, whatever its signature: inheriting another one makes
/// the name ambiguous. Final classes cannot be inherited; there an address must do.
struct row_names {
  int transition_dormant, add_transport_id, remove_transport_id;
};
template <class P>
struct row_trap : P, row_names {};

template <class P>
concept names_transition_dormant =
    (std::is_final_v<P> && requires { &P::transition_dormant; }) ||
    (!std::is_final_v<P> && !requires { &row_trap<P>::transition_dormant; });
template <class P>
concept names_add_transport_id =
    (std::is_final_v<P> && requires { &P::add_transport_id; }) ||
    (!std::is_final_v<P> && !requires { &row_trap<P>::add_transport_id; });
template <class P>
concept names_remove_transport_id =
    (std::is_final_v<P> && requires { &P::remove_transport_id; }) ||
    (!std::is_final_v<P> && !requires { &row_trap<P>::remove_transport_id; });

}  // namespace detail

/// A row that is there under its name is there with the right signature; never silently ignored.
template <class P>
concept dormant_row_well_formed = !detail::names_transition_dormant<P> || transitions_dormant<P>;
template <class P>
concept add_row_well_formed = !detail::names_add_transport_id<P> || adds_transport_id<P>;
template <class P>
concept remove_row_well_formed = !detail::names_remove_transport_id<P> || removes_transport_id<P>;
/// Ids that can be added can be removed, and the other way round.
template <class P>
concept id_rows_complete =
    detail::names_add_transport_id<P> == detail::names_remove_transport_id<P>;

/// A class that can be registered with a platform: the required rows, and optional rows only as
/// they should be. `check_provider<P>()` says in words what a class lacks.
template <class P>
concept provider = std::is_class_v<P> && establishes_session<P> && terminates_session<P> &&
                   transitions_active<P> && reaches_transport_id<P> && sends_buffers<P> &&
                   dormant_row_well_formed<P> && add_row_well_formed<P> &&
                   remove_row_well_formed<P> && id_rows_complete<P>;

/// A provider that is told about dormancy.
template <class P>
concept dormant_provider = provider<P> && transitions_dormant<P>;

/// A provider that is told which ids it serves.
template <class P>
concept id_aware_provider = provider<P> && adds_transport_id<P> && removes_transport_id<P>;

}  // namespace lockgate::inline v0
