// A planted fault: ThreadSanitizer must report it.
#include <thread>  // for thread

int main() {
  int shared = 0;
  auto count = [&shared] {
    for (int i = 0; i < 100'000; ++i) {
      volatile int& unguarded = shared;
      unguarded = unguarded + 1;
    }
  };
  std::thread first(count);
  std::thread second(count);
  first.join();
  second.join();
  return shared == 0 ? 1 : 0;
}
