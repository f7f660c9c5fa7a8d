// A planted fault: AddressSanitizer must report it.
int main() {
  volatile int* number = new int(7);
  delete number;
  return *number;
}
