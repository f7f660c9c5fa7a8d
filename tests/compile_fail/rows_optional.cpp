// expect-error: lockgate provider: transition_dormant is there, but not as a public row; write: lockgate::status transition_dormant\(\); \(or returning task<status>\), or rename it
// expect-error: lockgate provider: add_transport_id is there, but not as a public row; write: lockgate::status add_transport_id\(lockgate::transport_id id\); \(or returning task<status>\), or rename it
// expect-error: lockgate provider: remove_transport_id is there, but not as a public row; write: lockgate::status remove_transport_id\(lockgate::transport_id id\); \(or returning task<status>\), or rename it
#include "support/archetype.hpp"

#include "lockgate/provider/check_provider.hpp"

class relay : public support::archetype {
 public:
  lockgate::task<bool> transition_dormant();
  lockgate::status add_transport_id();

 private:
  lockgate::status remove_transport_id(lockgate::transport_id);
};
template void lockgate::check_provider<relay>();
