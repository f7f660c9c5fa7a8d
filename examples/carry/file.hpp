// Files, as carry needs them: one to read in place, one to write in any order, and their SHA-256.
#pragma once

#include "wire.hpp"  // for bytes_view, digest

#include <fcntl.h>        // for open
#include <openssl/evp.h>  // for EVP_Digest
#include <sys/mman.h>     // for mmap
#include <sys/stat.h>     // for fstat
#include <sys/uio.h>      // for pwritev
#include <unistd.h>       // for close, ftruncate

#include <cerrno>        // for errno
#include <cstdint>       // for uint64_t
#include <span>          // for span
#include <stdexcept>     // for runtime_error
#include <string>        // for string
#include <system_error>  // for system_error

namespace carry {

[[noreturn]] inline void fail(const std::string& what) {
  throw std::system_error(errno, std::system_category(), what);
}

/// An open file. Errors: throws `std::system_error`, here and below.
class descriptor {
 public:
  descriptor(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail(path);
  }
  descriptor(const descriptor&) = delete;
  ~descriptor() { ::close(fd_); }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// A file's contents as memory.
class mapped_file {
 public:
  explicit mapped_file(const std::string& path) : file_(path, O_RDONLY) {
    struct stat about{};
    if (::fstat(file_.get(), &about) != 0) fail(path);
    if (!S_ISREG(about.st_mode)) {
      errno = EINVAL;
      fail(path + " is no regular file");
    }
    size_ = static_cast<std::size_t>(about.st_size);
    if (size_ == 0) return;  // nothing to map
    memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file_.get(), 0);
    if (memory_ == MAP_FAILED) fail(path);
  }
  mapped_file(const mapped_file&) = delete;
  ~mapped_file() {
    if (size_ > 0) ::munmap(memory_, size_);
  }
  [[nodiscard]] bytes_view bytes() const noexcept {
    return {static_cast<const std::byte*>(memory_), size_};
  }

 private:
  descriptor file_;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// A file that is filled in any order.
class output_file {
 public:
  output_file(const std::string& path, std::uint64_t size)
      : path_(path), file_(path, O_RDWR | O_CREAT | O_TRUNC) {
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) fail(path);
  }
  /// Writes neighbouring pieces with one system call.
  void write(std::span<iovec> pieces, std::uint64_t at) {
    while (!pieces.empty()) {
      ssize_t done = ::pwritev(file_.get(), pieces.data(), static_cast<int>(pieces.size()),
                               static_cast<off_t>(at));
      if (done <= 0) fail(path_);
      at += static_cast<std::uint64_t>(done);
      for (; !pieces.empty() && static_cast<std::size_t>(done) >= pieces.front().iov_len;
           pieces = pieces.subspan(1))
        done -= static_cast<ssize_t>(pieces.front().iov_len);
      if (pieces.empty()) return;
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + done;
      pieces.front().iov_len -= static_cast<std::size_t>(done);
    }
  }

 private:
  std::string path_;
  descriptor file_;
};

[[nodiscard]] inline digest sha256(bytes_view bytes) {
  digest out{};
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
                 EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute a SHA-256");
  return out;
}

}  // namespace carry
