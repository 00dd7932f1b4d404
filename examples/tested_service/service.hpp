#pragma once
// A service that handles a few requests at a time, twice: once with a mistake that almost every program has somewhere, once right.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>

namespace tested_service {

using namespace std::chrono_literals;

class service {
public:
    explicit service(int at_a_time) : slots_(at_a_time) {}

    /// The mistake: a request that is given up while it is handled keeps its slot for ever.
    weft::task<> careless_request(weft::cancellation_token stop) {
        co_await slots_.wait(stop);
        co_await weft::delay(20ms, stop);  // what there is to do
        slots_.release();
    }

    /// Right: however the request ends, the slot is free again.
    weft::task<> request(weft::cancellation_token stop) {
        co_await slots_.wait(stop);
        const slot held(slots_);
        co_await weft::delay(20ms, stop);
    }

    [[nodiscard]] int free_slots() const { return slots_.current_count(); }

private:
    class slot {
    public:
        explicit slot(weft::async_semaphore& of) : of_(of) {}
        ~slot() { of_.release(); }
        slot(const slot&) = delete;
        slot& operator=(const slot&) = delete;

    private:
        weft::async_semaphore& of_;
    };

    weft::async_semaphore slots_;
};

}  // namespace tested_service
