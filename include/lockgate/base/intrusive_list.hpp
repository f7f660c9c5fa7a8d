// A doubly linked list whose links live in the listed objects: no allocation, removal from
// anywhere.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_ASSERT

#include <utility>  // for exchange

namespace lockgate::inline v0 {

template <class T>
class intrusive_list;

/// The links of one membership: a `T` that may be in lists of `T` inherits `list_link<T>`.
///
/// Lifetime: leaves its list when it is destroyed.
template <class T>
class list_link {
 public:
  list_link() noexcept = default;
  list_link(const list_link&) = delete;
  list_link& operator=(const list_link&) = delete;
  ~list_link() { unlink(); }

  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }
  /// Leaves its list, if it is in one.
  void unlink() noexcept {
    if (!is_linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  friend class intrusive_list<T>;
  list_link* next_ = nullptr;
  list_link* previous_ = nullptr;
};

/// A list of `T`s. It owns none of them.
template <class T>
class intrusive_list {
  using link = list_link<T>;

 public:
  intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    while (!empty()) head_.next_->unlink();  // T may be incomplete here
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
  [[nodiscard]] T& front() noexcept { return *static_cast<T*>(head_.next_); }

  void push_back(T& item) noexcept { insert(head_, item); }
  void push_front(T& item) noexcept { insert(*head_.next_, item); }
  T& pop_front() noexcept {
    LOCKGATE_ASSERT(!empty(), "intrusive_list: pop_front of an empty list");
    T& item = front();
    static_cast<link&>(item).unlink();
    return item;
  }
  /// Moves everything of `other` to the end of this list, in order.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    link* first = other.head_.next_;
    link* last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

  class iterator {
   public:
    explicit iterator(link* at) noexcept : at_(at) {}
    T& operator*() const noexcept { return *static_cast<T*>(at_); }
    iterator& operator++() noexcept { return at_ = at_->next_, *this; }
    bool operator==(const iterator&) const noexcept = default;

   private:
    link* at_;
  };
  /// Iteration; the visited item must stay in the list until the iterator has moved on.
  [[nodiscard]] iterator begin() noexcept { return iterator(head_.next_); }
  [[nodiscard]] iterator end() noexcept { return iterator(&head_); }

 private:
  static void insert(link& before, T& item) noexcept {
    link& it = item;
    LOCKGATE_ASSERT(!it.is_linked(), "intrusive_list: the item is in a list already");
    it.previous_ = before.previous_;
    it.next_ = &before;
    before.previous_->next_ = &it;
    before.previous_ = &it;
  }

  link head_;
};

}  // namespace lockgate::inline v0
