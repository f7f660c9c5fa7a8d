// A planted fault: UndefinedBehaviorSanitizer must report it.
#include <limits>  // for numeric_limits

int main() {
  volatile int largest = std::numeric_limits<int>::max();
  int beyond = largest + 1;
  return beyond == 0 ? 1 : 0;
}
