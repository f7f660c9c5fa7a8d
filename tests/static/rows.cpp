// One type per defect of a provider: each fails the concept of its own row, and no other.
#include "lockgate/provider/any_provider.hpp"
#include "support/archetype.hpp"

#include <system_error>  // for error_code

using namespace lockgate;

namespace {

// The required rows as bases, so that a type can leave one out or spell it in its own way. A name
// that the type declares itself hides the base's.
struct establishes {
  void establish_session(instance);
};
struct terminates {
  void terminate_session(termination_reason);
};
struct activates {
  status transition_active();
};
struct reaches {
  status reach_transport_id(transport_id);
};
struct sends {
  accepted send_buffers(std::span<const outgoing>);
};
struct sound : establishes, terminates, activates, reaches, sends {};

/// Which of the concepts a type fulfils, in the order of the rows.
struct verdict {
  bool establish, terminate, active, reach, send, dormant, add, remove, ids;
  friend constexpr bool operator==(const verdict&, const verdict&) = default;
};
template <class P>
constexpr verdict judge{
    establishes_session<P>,  terminates_session<P>,     transitions_active<P>,
    reaches_transport_id<P>, sends_buffers<P>,          dormant_row_well_formed<P>,
    add_row_well_formed<P>,  remove_row_well_formed<P>, id_rows_complete<P>};
template <class P>
constexpr bool fails_only(bool verdict::* row) {
  verdict expected{true, true, true, true, true, true, true, true, true};
  expected.*row = false;
  return judge<P> == expected && !provider<P>;
}

// --- establish_session ------------------------------------------------------------------------

struct establish_missing : terminates, activates, reaches, sends {};
struct establish_wrong_result : sound {
  int establish_session(instance);
};
struct establish_wrong_task : sound {
  task<status> establish_session(instance);
};
struct establish_wrong_parameter : sound {
  void establish_session(transport_id);
};
struct establish_extra_parameter : sound {
  void establish_session(instance, int);
};
struct establish_private : sound {
 private:
  void establish_session(instance);
};
struct establish_deleted : sound {
  void establish_session(instance) = delete;
};
struct establish_overloaded : sound {
  void establish_session();
  void establish_session(int);
};
struct establish_rvalue_only : sound {
  void establish_session(instance) &&;
};
static_assert(fails_only<establish_missing>(&verdict::establish));
static_assert(fails_only<establish_wrong_result>(&verdict::establish));
static_assert(fails_only<establish_wrong_task>(&verdict::establish));
static_assert(fails_only<establish_wrong_parameter>(&verdict::establish));
static_assert(fails_only<establish_extra_parameter>(&verdict::establish));
static_assert(fails_only<establish_private>(&verdict::establish));
static_assert(fails_only<establish_deleted>(&verdict::establish));
static_assert(fails_only<establish_overloaded>(&verdict::establish));
static_assert(fails_only<establish_rvalue_only>(&verdict::establish));

// --- terminate_session ------------------------------------------------------------------------

struct terminate_missing : establishes, activates, reaches, sends {};
struct terminate_wrong_result : sound {
  status terminate_session(termination_reason);
};
struct terminate_wrong_parameter : sound {
  void terminate_session();
};
struct terminate_as_number : sound {
  void terminate_session(int);  // the reason is an enum class
};
struct terminate_private : sound {
 private:
  void terminate_session(termination_reason);
};
struct terminate_deleted : sound {
  void terminate_session(termination_reason) = delete;
};
struct terminate_overloaded : sound {
  void terminate_session();
  void terminate_session(int);
};
static_assert(fails_only<terminate_missing>(&verdict::terminate));
static_assert(fails_only<terminate_wrong_result>(&verdict::terminate));
static_assert(fails_only<terminate_wrong_parameter>(&verdict::terminate));
static_assert(fails_only<terminate_as_number>(&verdict::terminate));
static_assert(fails_only<terminate_private>(&verdict::terminate));
static_assert(fails_only<terminate_deleted>(&verdict::terminate));
static_assert(fails_only<terminate_overloaded>(&verdict::terminate));

// --- transition_active ------------------------------------------------------------------------

struct active_missing : establishes, terminates, reaches, sends {};
struct active_wrong_result : sound {
  void transition_active();
};
struct active_bool : sound {
  bool transition_active();
};
struct active_wrong_task : sound {
  task<int> transition_active();
};
struct active_wrong_parameter : sound {
  status transition_active(int);
};
struct active_private : sound {
 private:
  status transition_active();
};
struct active_deleted : sound {
  status transition_active() = delete;
};
struct active_overloaded : sound {
  status transition_active(int);
  status transition_active(instance);
};
static_assert(fails_only<active_missing>(&verdict::active));
static_assert(fails_only<active_wrong_result>(&verdict::active));
static_assert(fails_only<active_bool>(&verdict::active));
static_assert(fails_only<active_wrong_task>(&verdict::active));
static_assert(fails_only<active_wrong_parameter>(&verdict::active));
static_assert(fails_only<active_private>(&verdict::active));
static_assert(fails_only<active_deleted>(&verdict::active));
static_assert(fails_only<active_overloaded>(&verdict::active));

// --- reach_transport_id -----------------------------------------------------------------------

struct reach_missing : establishes, terminates, activates, sends {};
struct reach_wrong_result : sound {
  void reach_transport_id(transport_id);
};
struct reach_wrong_parameter : sound {
  status reach_transport_id(socket_address);
};
struct reach_changes_its_copy : sound {
  status reach_transport_id(int&);
};
struct reach_private : sound {
 private:
  status reach_transport_id(transport_id);
};
struct reach_deleted : sound {
  status reach_transport_id(transport_id) = delete;
};
struct reach_overloaded : sound {
  status reach_transport_id();
  status reach_transport_id(int);
};
static_assert(fails_only<reach_missing>(&verdict::reach));
static_assert(fails_only<reach_wrong_result>(&verdict::reach));
static_assert(fails_only<reach_wrong_parameter>(&verdict::reach));
static_assert(fails_only<reach_changes_its_copy>(&verdict::reach));
static_assert(fails_only<reach_private>(&verdict::reach));
static_assert(fails_only<reach_deleted>(&verdict::reach));
static_assert(fails_only<reach_overloaded>(&verdict::reach));

// --- send_buffers -----------------------------------------------------------------------------

struct send_missing : establishes, terminates, activates, reaches {};
struct send_wrong_result : sound {
  void send_buffers(std::span<const outgoing>);
};
struct send_wrong_parameter : sound {
  accepted send_buffers(const outgoing&);
};
struct send_writable_parameter : sound {
  accepted send_buffers(std::span<outgoing>);
};
struct send_private : sound {
 private:
  accepted send_buffers(std::span<const outgoing>);
};
struct send_deleted : sound {
  accepted send_buffers(std::span<const outgoing>) = delete;
};
struct send_overloaded : sound {
  accepted send_buffers(const outgoing&);
  accepted send_buffers(std::span<outgoing>);
};
static_assert(fails_only<send_missing>(&verdict::send));
static_assert(fails_only<send_wrong_result>(&verdict::send));
static_assert(fails_only<send_wrong_parameter>(&verdict::send));
static_assert(fails_only<send_writable_parameter>(&verdict::send));
static_assert(fails_only<send_private>(&verdict::send));
static_assert(fails_only<send_deleted>(&verdict::send));
static_assert(fails_only<send_overloaded>(&verdict::send));

// --- transition_dormant, optional: missing is fine, wrong is not --------------------------------

struct dormant_wrong_result : sound {
  void transition_dormant();
};
struct dormant_wrong_parameter : sound {
  status transition_dormant(int);
};
struct dormant_private : sound {
 private:
  status transition_dormant();
};
struct dormant_deleted : sound {
  status transition_dormant() = delete;
};
struct dormant_overloaded : sound {
  status transition_dormant(int);
  status transition_dormant(instance);
};
struct dormant_template : sound {
  template <class T>
  status transition_dormant(T);
};
struct dormant_member_variable : sound {
  int transition_dormant;
};
struct dormant_final_wrong_result final : sound {
  void transition_dormant();
};
static_assert(fails_only<dormant_wrong_result>(&verdict::dormant));
static_assert(fails_only<dormant_wrong_parameter>(&verdict::dormant));
static_assert(fails_only<dormant_private>(&verdict::dormant));
static_assert(fails_only<dormant_deleted>(&verdict::dormant));
static_assert(fails_only<dormant_overloaded>(&verdict::dormant));
static_assert(fails_only<dormant_template>(&verdict::dormant));
static_assert(fails_only<dormant_member_variable>(&verdict::dormant));
static_assert(fails_only<dormant_final_wrong_result>(&verdict::dormant));

// --- add_transport_id and remove_transport_id, optional, and only together ----------------------

struct knows_ids : sound {
  status add_transport_id(transport_id);
  status remove_transport_id(transport_id);
};
struct add_wrong_result : knows_ids {
  void add_transport_id(transport_id);
};
struct add_wrong_parameter : knows_ids {
  status add_transport_id();
};
struct add_private : knows_ids {
 private:
  status add_transport_id(transport_id);
};
struct add_deleted : knows_ids {
  status add_transport_id(transport_id) = delete;
};
struct add_overloaded : knows_ids {
  status add_transport_id();
  status add_transport_id(int);
};
static_assert(fails_only<add_wrong_result>(&verdict::add));
static_assert(fails_only<add_wrong_parameter>(&verdict::add));
static_assert(fails_only<add_private>(&verdict::add));
static_assert(fails_only<add_deleted>(&verdict::add));
static_assert(fails_only<add_overloaded>(&verdict::add));

struct remove_wrong_result : knows_ids {
  bool remove_transport_id(transport_id);
};
struct remove_wrong_parameter : knows_ids {
  status remove_transport_id();
};
struct remove_private : knows_ids {
 private:
  status remove_transport_id(transport_id);
};
struct remove_deleted : knows_ids {
  status remove_transport_id(transport_id) = delete;
};
struct remove_overloaded : knows_ids {
  status remove_transport_id();
  status remove_transport_id(int);
};
static_assert(fails_only<remove_wrong_result>(&verdict::remove));
static_assert(fails_only<remove_wrong_parameter>(&verdict::remove));
static_assert(fails_only<remove_private>(&verdict::remove));
static_assert(fails_only<remove_deleted>(&verdict::remove));
static_assert(fails_only<remove_overloaded>(&verdict::remove));

struct adds_only : sound {
  status add_transport_id(transport_id);
};
struct removes_only : sound {
  status remove_transport_id(transport_id);
};
static_assert(fails_only<adds_only>(&verdict::ids));
static_assert(fails_only<removes_only>(&verdict::ids));

// --- what is a provider -------------------------------------------------------------------------

struct answers_later : establishes {
  task<> establish_session(instance);
  task<> terminate_session(termination_reason);
  task<status> transition_active();
  task<status> transition_dormant();
  task<status> reach_transport_id(transport_id);
  task<accepted> send_buffers(std::span<const outgoing>);
};
struct answers_either_way {
  answer<void> establish_session(instance);
  answer<void> terminate_session(termination_reason);
  answer<status> transition_active();
  answer<status> reach_transport_id(transport_id);
  answer<accepted> send_buffers(std::span<const outgoing>);
};
struct answers_with_error_codes {
  void establish_session(instance);
  void terminate_session(termination_reason);
  std::error_code transition_active();
  task<std::error_code> reach_transport_id(const transport_id&);
  std::size_t send_buffers(std::span<const outgoing>);  // all that many, no reason needed
};
struct const_rows {
  void establish_session(instance) const;
  void terminate_session(termination_reason) const noexcept;
  status transition_active() const;
  status reach_transport_id(transport_id) const;
  accepted send_buffers(std::span<const outgoing>) const;
};
struct overloaded_with_the_row : sound {
  using sends::send_buffers;
  accepted send_buffers(const outgoing&);
  status transition_dormant(int);
  status transition_dormant();
};
struct final_class final : sound {};
struct abstract_class : sound {
  virtual ~abstract_class() = default;
  virtual status transition_dormant() = 0;
};
static_assert(provider<sound> && !dormant_provider<sound> && !id_aware_provider<sound>);
static_assert(dormant_provider<answers_later>);
static_assert(provider<answers_either_way>);
static_assert(provider<answers_with_error_codes>);
static_assert(provider<const_rows>);
static_assert(dormant_provider<overloaded_with_the_row>);
static_assert(provider<final_class>);
static_assert(dormant_provider<abstract_class>);
static_assert(id_aware_provider<knows_ids>);
static_assert(provider<any_provider>);

static_assert(!provider<int> && !provider<void> && !provider<sound*> && !provider<sound&>);
union a_union {
  void establish_session(instance);
};
static_assert(!provider<a_union>);

// --- constraints that refuse, seen from code ----------------------------------------------------

template <provider P>
struct holds_provider {};
template <class P>
concept rejected = requires { requires !requires { typename holds_provider<P>; }; };
static_assert(rejected<send_missing> && rejected<dormant_private> && rejected<int>);
static_assert(!rejected<sound> && !rejected<support::archetype>);

// A bare awaitable of another library is no answer; wrapped it is one.
struct bare {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  status await_resume();
};
static_assert(bare_awaitable<bare> && !answers<bare, status>);
static_assert(!bare_awaitable<task<status>> && answers<task<status>, status>);
static_assert(!answers<task<status>&, status>);
static_assert(!answers<task<status>, void> && !answers<task<>, status> && !answers<int, void>);

}  // namespace
