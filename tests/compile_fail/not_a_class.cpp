// expect-error: lockgate provider: a provider is a class with the rows as members
// max-lines: 10
#include "lockgate/provider/check_provider.hpp"

template void lockgate::check_provider<int>();
