// SPDX-License-Identifier: MIT

#include "weft/task/detail/stream_state.hpp"

#include <string>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

bool stream_state::run_segment(const char* what) {
    if (running_)
        throw invalid_operation(std::string(what) + " while another next() or dispose() of the same stream is not done");
    running_ = true;
    started_ = true;
    bool synchronous = false;
    synchronous_ = &synchronous;
    meeting_.open();
    core_.set_flag(flag_first_segment);
    core_.begin_first_segment(this_thread_block());
    core_.handle().resume();
    // A producer that has suspended may be anywhere by now: only this thread's stack tells.
    return synchronous;
}

bool stream_state::meet(task_core& consumer) noexcept {
    consumer.awaiting = &core_;  // for reports; the producer's list is empty
    return meeting_.wait(consumer);
}

void stream_state::arrive() {
    running_ = false;
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

void stream_state::note_failure() noexcept {
    try {
        throw;
    } catch (const stream_closed&) {
        // The end that dispose() asked for.
    } catch (...) {
        error_ = std::current_exception();
    }
}

void stream_state::end_segment(bool for_good) noexcept {
    ended_ = for_good;
    if (core_.has_flag(flag_first_segment)) {
        core_.leave_first_segment();
        *synchronous_ = true;
        return;
    }
    live_tasks::remove(core_);
    task_core& mine = core_;
    mine.refs.drop_second();  // the suspended frame's; the handle has one
    bool frame_is_mine = false;
    task_core* const consumer = meeting_.arrive(frame_is_mine);
    if (frame_is_mine) {
        mine.handle().destroy();
        mine.release();
    } else if (consumer != nullptr) {
        run_continuation(*consumer, true);
    }
}

}  // namespace weft::inline WEFT_ABI::detail
