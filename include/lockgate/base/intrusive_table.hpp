// A hash table whose links live in the listed objects: adding and removing cannot fail.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_ASSERT

#include <cstddef>     // for size_t
#include <cstdint>     // for uint64_t
#include <functional>  // for hash
#include <new>         // for nothrow
#include <utility>     // for exchange

namespace lockgate::inline v0 {

namespace detail {

/// What a table keeps in each of its items.
class table_node {
 public:
  table_node() noexcept = default;
  table_node(const table_node&) = delete;
  table_node& operator=(const table_node&) = delete;

 protected:
  ~table_node() = default;

 private:
  friend class table_base;
  table_node* next_ = nullptr;
  std::uint64_t hash_ = 0;
};

/// The part of a table that does not depend on its items, compiled once for all of them.
class table_base {
 public:
  table_base() noexcept = default;
  table_base(const table_base&) = delete;
  table_base& operator=(const table_base&) = delete;

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 protected:
  ~table_base() { delete[] buckets_; }

  void insert(table_node& node, std::size_t hash) noexcept {
    if (size_ > 2 * bucket_count()) grow();
    node.hash_ = hash * spread;
    push(node);
    ++size_;
  }
  void erase(table_node& node) noexcept {
    table_node** at = &bucket_of(node.hash_);
    while (*at && *at != &node) at = &(*at)->next_;
    LOCKGATE_REQUIRE(*at, "intrusive_table: the item is not in this table");
    *at = std::exchange(node.next_, nullptr);
    --size_;
  }
  [[nodiscard]] table_node* find(std::size_t hash) const noexcept {
    return skip(bucket_of(hash * spread), hash * spread);
  }
  [[nodiscard]] static table_node* find_next(const table_node& node) noexcept {
    return skip(node.next_, node.hash_);
  }
  [[nodiscard]] std::size_t bucket_count() const noexcept { return std::size_t{1} << bits_; }
  [[nodiscard]] table_node* first_of_bucket(std::size_t index) const noexcept {
    return buckets_ ? buckets_[index] : only_bucket_;
  }
  [[nodiscard]] static table_node* next_in_bucket(const table_node& node) noexcept {
    return node.next_;
  }

 private:
  static constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;  // Fibonacci hashing

  [[nodiscard]] static table_node* skip(table_node* node, std::uint64_t hash) noexcept {
    while (node && node->hash_ != hash) node = node->next_;
    return node;
  }
  [[nodiscard]] table_node*& bucket_of(std::uint64_t hash) noexcept {
    return buckets_ ? buckets_[hash >> (64 - bits_)] : only_bucket_;
  }
  [[nodiscard]] table_node* bucket_of(std::uint64_t hash) const noexcept {
    return buckets_ ? buckets_[hash >> (64 - bits_)] : only_bucket_;
  }
  void push(table_node& node) noexcept {
    table_node*& bucket = bucket_of(node.hash_);
    node.next_ = std::exchange(bucket, &node);
  }
  /// Without memory the chains just get longer.
  void grow() noexcept {
    const unsigned more_bits = bits_ + 3;
    auto** const larger = new (std::nothrow) table_node* [std::size_t{1} << more_bits] {};
    if (!larger) return;
    const std::size_t count_before = bucket_count();
    table_node** const before = std::exchange(buckets_, larger);
    table_node* const only_before = std::exchange(only_bucket_, nullptr);
    bits_ = more_bits;
    for (std::size_t i = 0; i < count_before; ++i)
      for (table_node* node = before ? before[i] : only_before; node;)
        push(*std::exchange(node, node->next_));
    delete[] before;
  }

  table_node** buckets_ = nullptr;  // none as long as one is enough
  table_node* only_bucket_ = nullptr;
  unsigned bits_ = 0;  // of the number of buckets
  std::size_t size_ = 0;
};

}  // namespace detail

template <class T>
class intrusive_table;

/// What a `T` inherits that may be in one `intrusive_table<T>`.
///
/// Lifetime: an item leaves its table before it is destroyed.
template <class T>
class table_link : private detail::table_node {
  friend class intrusive_table<T>;
};

/// A table of `T`s by `T::key()`, which does not change meanwhile. It owns none of them.
///
/// Several items may have the same key. Cost: no allocation for up to two items; beyond that memory
/// makes it faster, and without memory it goes on working.
template <class T>
class intrusive_table : private detail::table_base {
 public:
  using table_base::empty, table_base::size;

  /// Requires: `item` is in no table.
  void insert(T& item) noexcept { table_base::insert(node_of(item), hash_of(item.key())); }
  /// Requires: `item` is in this table.
  void erase(T& item) noexcept { table_base::erase(node_of(item)); }
  /// An item with this key; null when there is none.
  template <class Key>
  [[nodiscard]] T* find(const Key& key) const noexcept {
    for (detail::table_node* at = table_base::find(hash_of(key)); at; at = find_next(*at))
      if (item_of(*at).key() == key) return &item_of(*at);
    return nullptr;
  }
  /// Calls `visit(item)` for each item, which may be erased by that.
  template <class F>
  void for_each(F visit) noexcept {
    for (std::size_t i = 0; i < bucket_count(); ++i)
      for (detail::table_node* at = first_of_bucket(i); at;) {
        T& item = item_of(*std::exchange(at, next_in_bucket(*at)));
        visit(item);
      }
  }

 private:
  template <class Key>
  [[nodiscard]] static std::size_t hash_of(const Key& key) noexcept {
    return std::hash<Key>()(key);
  }
  [[nodiscard]] static detail::table_node& node_of(T& item) noexcept {
    return static_cast<table_link<T>&>(item);
  }
  [[nodiscard]] static T& item_of(detail::table_node& node) noexcept {
    return static_cast<T&>(static_cast<table_link<T>&>(node));
  }
};

}  // namespace lockgate::inline v0
