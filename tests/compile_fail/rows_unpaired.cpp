// expect-error: lockgate provider: add_transport_id and remove_transport_id come together; write both, or neither
// max-lines: 20
#include "support/archetype.hpp"

#include "lockgate/provider/check_provider.hpp"

class relay : public support::archetype {
 public:
  lockgate::status add_transport_id(lockgate::transport_id);
};
template void lockgate::check_provider<relay>();
