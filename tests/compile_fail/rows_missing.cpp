// expect-error: lockgate provider: needs the row establish_session; write: lockgate::task<> establish_session\(lockgate::instance self\);
// expect-error: lockgate provider: needs the row terminate_session; write: lockgate::task<> terminate_session\(lockgate::termination_reason why\);
// expect-error: lockgate provider: needs the row transition_active; write: lockgate::task<lockgate::status> transition_active\(\);
// expect-error: lockgate provider: needs the row reach_transport_id; write: lockgate::task<lockgate::status> reach_transport_id\(lockgate::transport_id peer\);
// expect-error: lockgate provider: needs the row send_buffers; write: lockgate::accepted send_buffers\(std::span<const lockgate::outgoing> messages\);
// max-lines: 60
#include "lockgate/provider/check_provider.hpp"

class nothing {};
template void lockgate::check_provider<nothing>();
