#pragma once
// src/io/net/dns/answer_cache.hpp: answers by question, for as long as they hold and there is room.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weft/base/time_provider.hpp"
#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a question came to.
struct dns_answer {
    std::vector<net::endpoint> addresses;  ///< with port 0
    std::string name;                      ///< of a reverse question
    int error = 0;                         ///< a net::resolve_errc; 0: none
};
using dns_answer_ptr = std::shared_ptr<const dns_answer>;

/// The least recently used goes first. Not for several threads.
class answer_cache {
public:
    explicit answer_cache(std::size_t most) : most_(most) {}

    /// @returns null when nothing is known, or no longer
    [[nodiscard]] dns_answer_ptr find(const std::string& question, time_point now) {
        const auto found = by_question_.find(question);
        if (found == by_question_.end()) return nullptr;
        if (found->second->good_until <= now) {
            order_.erase(found->second);
            by_question_.erase(found);
            return nullptr;
        }
        order_.splice(order_.begin(), order_, found->second);
        return found->second->answer;
    }
    void keep(const std::string& question, dns_answer_ptr answer, time_point good_until) {
        if (most_ == 0) return;
        if (const auto old = by_question_.find(question); old != by_question_.end()) {
            order_.erase(old->second);
            by_question_.erase(old);
        }
        if (order_.size() >= most_) {
            by_question_.erase(order_.back().question);
            order_.pop_back();
        }
        order_.push_front(entry{question, std::move(answer), good_until});
        by_question_.emplace(question, order_.begin());
    }
    void clear() noexcept {
        by_question_.clear();
        order_.clear();
    }
    [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

private:
    struct entry {
        std::string question;
        dns_answer_ptr answer;
        time_point good_until;
    };
    std::size_t most_;
    std::list<entry> order_;  ///< most recently used first
    std::unordered_map<std::string, std::list<entry>::iterator> by_question_;
};

}  // namespace weft::inline WEFT_ABI::detail
