#pragma once
// tests/conformance/fault_subjects.hpp: each kind of operation with what it needs, what lets it go on, and what a right answer is.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends.hpp"

namespace weft_test {

/// One operation to be disturbed. Made anew for each attempt.
class subject {
public:
    subject() = default;
    subject(const subject&) = delete;
    subject& operator=(const subject&) = delete;
    virtual ~subject() = default;

    /// Makes what the operation is about.
    virtual weft::task<> prepare(stage& on) = 0;
    /// Fills in the record.
    virtual void fill(weft::io_operation& operation) = 0;
    /// Does what a waiting operation waits for.
    virtual weft::task<> let_go(stage& on);
    /// Whether `result` is what an undisturbed operation gives, in part where `partly`.
    [[nodiscard]] virtual bool is_right(int result, bool partly) = 0;
    /// Lets go of everything, the operation's own result too.
    virtual weft::task<> clean(stage& on, int result) = 0;
};

/// What is known of a kind before it is tried.
struct subject_kind {
    const char* name;
    weft::io_kind kind;
    std::unique_ptr<subject> (*make)();
    bool waits;               ///< for a peer, unless let_go() has been called
    bool moves;               ///< bytes: it may be cut short
    bool has_descriptor;      ///< and so knows EBADF
    bool sockets_only;        ///< EAGAIN means "not ready"
    std::vector<int> errors;  ///< that a kernel gives and a user must see, once
};

/// All of them.
const std::vector<subject_kind>& subject_kinds();

}  // namespace weft_test
