"""Defects of one line, each of which must turn a test of its own rule red: scripts/rules --plant.

A plant is (rule, file, text, other text). The text must stand in the file exactly once. The tree is copied, one defect is planted, the
room whose tests carry the rule's number is built at -O0, and those tests are run; then the defect goes. A crash, a failure and a
hang of the rule's own tests are red; a build that fails, or tests that stay green, make the plant, and the run, fail. The plants of
headers come last, because they rebuild a room.
SPDX-License-Identifier: MIT
"""
import re
import shutil
import subprocess
import time

CORE = "src/task/task_core.cpp"
WAIT = "src/task/task_wait.cpp"
SOURCE = "src/task/task_completion_source.cpp"
VALUE = "src/task/value_task_source.cpp"
DELEGATE = "src/task/delegate.cpp"
CONTINUE = "src/task/continue_with.cpp"
STREAM = "src/task/stream_state.cpp"
ALL = "src/task/all_completed.cpp"
CONTEXT = "src/context/synchronization_context.cpp"
LOCALS = "src/context/execution_context.cpp"
CANCEL = "src/context/cancellation_state.cpp"
AGGREGATE = "src/context/aggregate_exception.cpp"
PAIR = "src/scheduling/concurrent_exclusive_scheduler_pair.cpp"
EAP = "src/interop/eap.cpp"
CHANNEL = "src/coordination/channel_core.cpp"
ITEMS = "include/weft/coordination/detail/channel_state.hpp"
LOOP = "src/coordination/parallel.cpp"
TIMER = "src/coordination/timer.cpp"
TICKS = "src/coordination/periodic_timer.cpp"
FAKE = "src/testing/fake_time_provider.cpp"
LIMITER = "src/coordination/limiter_core.cpp"
LIMITERS = "src/coordination/rate_limiters.cpp"
PARALLEL = "include/weft/coordination/parallel.hpp"
PARTITIONED = "include/weft/coordination/partitioned_rate_limiter.hpp"
USING = "include/weft/task/using_async.hpp"

PLANTS = [
    ("1.1/6", CORE, "now.as<const operation_canceled>() != nullptr && !has_flag(flag_strict_cancel);", "false;"),
    ("1.1/7", DELEGATE, "const bool ours = token_.can_be_canceled() && error.token() == token_ && token_.is_cancellation_requested();",
     "const bool ours = true;"),
    ("1.1/8", CORE, "return cold ? task_status::created : task_status::waiting_to_run;", "return task_status::created;"),
    ("1.1/12", CORE, "fresh = (last.fetch_add(1, std::memory_order_relaxed) + 1) & 0x7fffffffU;", "fresh = 1;"),
    ("1.2/3", CORE, "case place_context: return block.sync == place_as<synchronization_context>(node.place);",
     "case place_context: return false;"),
    ("1.2/4", CORE, "return block.sync == nullptr && block.scheduler == nullptr &&", "return true &&"),
    ("1.2/5", CORE, "if (!is_internal(*node)) enqueue(*node, post_hint::local);",
     "if (!is_internal(*node)) run_continuation(*node, true);"),
    ("1.2/6", CORE, "if (first_runs_user_code) user_code.add(*list);", "if (first_runs_user_code) list->run(*list);"),
    ("1.2/7", CORE, "const bool run_async = has_flag(flag_run_async);", "const bool run_async = false;"),
    ("1.3/3", VALUE, "if (version != version_)", "if (version == 0xffff)"),
    ("1.3/4", VALUE, 'if (found == answer::taken) throw invalid_operation("a value_task may have one continuation only");',
     "if (found == answer::taken) return;"),
    ("1.3/6", VALUE, "if (!word_.claim())", "if (!word_.claim() && false)"),
    ("1.3/7", VALUE, "return value_task_source_status::canceled;", "return value_task_source_status::faulted;"),
    ("1.4/2", "src/task/async_void.cpp", "context->post([error] { std::rethrow_exception(error); });", "context->post([error] {});"),
    ("1.4/4", "src/task/async_void.cpp", "context->post([error] {", "context->send([error] {"),
    ("1.5/2", CONTEXT, "void synchronization_context::send(callback function) { function(); }",
     "void synchronization_context::send(callback function) { post(std::move(function)); }"),
    ("1.5/3", CONTEXT, "if (context == nullptr || typeid(*context) == typeid(synchronization_context)) return nullptr;",
     "if (context == nullptr) return nullptr;"),
    ("1.5/4", CORE, "        block.sync = reinterpret_cast<synchronization_context*>(place);\n", "\n"),
    ("1.5/5", "src/context/task_scheduler.cpp",
     'throw invalid_operation("from_current_synchronization_context: the calling thread has no synchronization context");',
     "return nullptr;"),
    ("1.6/1", CORE, "        switch_context(block, locals);\n", "\n"),
    ("1.6/6", LOCALS, "slot.notify(before, after, true);", "slot.notify(before, after, false);"),
    ("1.6/7", LOCALS, "if (block.flow_suppressed) return context;", ""),
    ("1.6/9", STREAM, "core_.leave_first_segment();", "core_.clear_flag(flag_first_segment);"),
    ("1.7/1", CORE, "{ return word.claim(); }", "{ return word.claim() || true; }"),
    ("1.7/4", SOURCE, "if (errors.empty() || std::find(errors.begin(), errors.end(), nullptr) != errors.end())", "if (errors.empty())"),
    ("1.7/5", SOURCE, "kept->set_fault(std::move(errors));", "kept->set_canceled(errors.front());"),
    ("1.7/8", SOURCE, "if ((static_cast<std::uint8_t>(options) & ~static_cast<std::uint8_t>(allowed)) != 0)", "if (false)"),
    ("1.7/9", SOURCE, "if (break_on_drop_) {", "if (true) {"),
    ("1.8/6", WAIT, "throw aggregate_exception(fault->errors);", "std::rethrow_exception(fault->errors.front());"),
    ("1.8/8", DELEGATE, "static_cast<void>(target()->try_execute_inline(*this, true));", ""),
    ("1.8/10", WAIT, "errors.insert(errors.end(), each->fault->errors.begin(), each->fault->errors.end());",
     "errors.assign(1, each->fault->errors.front());"),
    ("1.8/11", DELEGATE, "new child_error{std::make_exception_ptr(aggregate_exception(child.fault->errors)), nullptr};",
     "new child_error{child.fault->errors.front(), nullptr};"),
    ("1.8/12", CORE, "raise_unobserved(*fault);\n        delete fault;", "{}\n        delete fault;"),
    ("1.9/2", ALL, "if (!found.faults.empty()) throw", "if (!found.faults.empty() && found.cancellation == nullptr) throw"),
    ("1.9/3", ALL, "found.faults.insert(found.faults.end(), core.fault->errors.begin(), core.fault->errors.end());",
     "found.faults.push_back(core.fault->errors.front());"),
    ("1.9/4", ALL, "return a->order < b->order;", "return a->order > b->order;"),
    ("1.9/8", "src/task/first_completed.cpp", 'if (count == 0) throw std::invalid_argument("when_any needs at least one task");', ""),
    ("1.9/11", "src/task/completion_order.cpp", "const std::size_t index = line_[taken_++];",
     "const std::size_t index = line_[line_.size() - ++taken_];"),
    ("1.9/12", "src/task/timed_wait.cpp", "if (limit == infinite_delay) return;", ""),
    ("1.10/2", CONTINUE, "case task_status::canceled: return !(wanted_ & continuation_options::not_on_canceled);",
     "case task_status::canceled: return true;"),
    ("1.10/3", CONTINUE, "if (late.is_cancellation_requested()) {", "if (false) {"),
    ("1.10/4", CONTINUE, "start_continuation(inline_wished && !antecedent_->has_flag(flag_run_async));", "start_continuation(inline_wished);"),
    ("1.10/7", CONTINUE, "if ((options & continuation_options::long_running) && (options & continuation_options::execute_synchronously))",
     "if (false)"),
    ("1.11/1", DELEGATE, "if (options_ & creation_options::hide_scheduler) block.scheduler = nullptr;", ""),
    ("1.11/2", DELEGATE, "core().set_fault(error);", "core().set_canceled(error);"),
    ("1.11/4", DELEGATE, "if (self.runs_elsewhere()) {", "if (false) {"),
    ("1.11/5", "src/scheduling/limited_concurrency_scheduler.cpp", "std::min(state_->limit, most)", "most"),
    ("1.11/6", PAIR, 'if (completing) throw invalid_operation("the concurrent_exclusive_scheduler_pair has been completed");', ""),
    ("1.11/6", PAIR, "if (!exclusive_runs && concurrent_runs == 0 && !exclusive_line.empty()) {",
     "if (!exclusive_runs && concurrent_runs == 0 && concurrent_line.empty() && !exclusive_line.empty()) {"),
    ("1.12/10", "src/scheduling/pool_core.cpp", "bool pool_core::set_min_threads(std::size_t count) noexcept {",
     "bool pool_core::set_min_threads(std::size_t count) noexcept {\n    if (count == 0) return true;"),
    ("1.12/12", "src/scheduling/worker.cpp", "    block.sync = nullptr;\n", "\n"),
    ("1.13/2", CANCEL, "errors.push_back(std::current_exception());", ""),
    ("1.13/6", CANCEL, "{ return registry_.remove(node); }", "{ return registry_.remove(node) || true; }"),
    ("1.13/12", CANCEL, "if (!links_->join(*this)) static_cast<void>(begin_cancel());", "static_cast<void>(links_->join(*this));"),
    ("1.14/1", AGGREGATE, 'if (error == nullptr) throw std::invalid_argument("aggregate_exception: an inner exception is null");', ""),
    ("1.14/2", AGGREGATE, "levels.push_back(*std::move(nested));", "leaves.push_back(error);"),
    ("1.14/3", AGGREGATE, "if (!predicate(error)) unhandled.push_back(error);", "if (predicate(error)) unhandled.push_back(error);"),
    ("1.14/5", AGGREGATE, "text += \" (\" + message_of(error) + ')';", "text += message_of(nullptr);"),
    ("1.15/8", STREAM, "    if (running_)\n", "    if (running_ && started_ && false)\n"),
    ("1.15/10", STREAM, "if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));", ""),
    ("1.28/5", "src/interop/apm.cpp", "throw std::invalid_argument(", "throw std::logic_error("),
    ("1.29/1", EAP, "        context_.operation_started();\n", "\n"),
    ("1.29/2", EAP, "if (completed_.exchange(true, std::memory_order_acq_rel)) throw_complete();", "completed_.store(true);"),
    ("1.29/3", EAP, "if (!completed_.load(std::memory_order_acquire)) context_.operation_completed();", ""),
    ("1.29/5", EAP, 'if (run_.has_value()) throw invalid_operation("the background_worker is busy: it runs one operation at a time");', ""),
    ("1.28/4", "include/weft/interop/apm.hpp", "if (synchronous_) finish();", "if (false) finish();"),

    ("1.17/2", CHANNEL, "completion_.set_canceled(canceled.token());", "completion_.set_exception(error_);"),
    ("1.17/7", CHANNEL, "        if (who.line == nullptr) return;  // claimed: the result wins\n        who.line->remove(who);\n",
     "        if (who.line == nullptr) return;\n"),
    ("1.17/9", CHANNEL, "    if (drained) finish();  // before those who waited: a woken reader sees it done (1.17/9)\n    ended.resume_all(synchronous_);\n",
     "    ended.resume_all(synchronous_);\n    if (drained) finish();\n"),
    ("1.17/10", CHANNEL, "inline_readers && one.is_reader && !one.token.can_be_canceled()", "inline_readers && one.is_reader"),
    ("1.17/16", ITEMS, "dropped.emplace(ring_.pop_back());", "dropped.emplace(ring_.pop_front());"),
    ("1.17/19", ITEMS, "            } else {\n                woken.add_all(write_watchers_, channel_wait::served);\n            }\n",
     "            }\n            woken.add_all(write_watchers_, channel_wait::served);\n"),
    ("1.17/20", ITEMS, "if (has_items() || !writers_.empty()) return channel_answer::done;", "if (has_items()) return channel_answer::done;"),
    ("1.17/22", ITEMS, "        woken.add_all(readers_, channel_wait::canceled);\n", "\n"),
    ("1.18/1", LOOP, "if (limit > 0) degree", "if (false) degree"),
    ("1.18/5", LOOP, "        stop_.cancel();\n", "\n"),
    ("1.18/6", LOOP, "if (user_.is_cancellation_requested()) done_.set_canceled(user_);\n    else if", "if"),
    ("1.18/9", LOOP, "execution_context::run(context_, [this] { start_worker(); });", "start_worker();"),
    ("1.18/10", LOOP, "    stop_.dispose();  // leaves the user's token (1.18/10)\n", "\n"),
    ("1.20/2", TICKS, "signaled_ = stopped_;\n                    return", "return"),
    ("1.20/3", TICKS, "if (waiting_) throw", "if (false) throw"),
    ("1.20/4", TICKS, "            stopped_ = true;\n", "\n"),
    ("1.20/5", TICKS, "            state_.waiting_ = false;\n", "\n"),
    ("1.20/7", TICKS, "return without_flow([&] { return timer([state] { state->tick(); }, period, period, provider); });",
     "return timer([state] { state->tick(); }, period, period, provider);"),
    ("1.21/2", TIMER, "return !disposed_;", "return true;"),
    ("1.21/2", TIMER, "if (firing) next_deadline_ = when;\n        else arm(when);", "if (!firing) arm(when);"),
    ("1.21/4", FAKE, "void fake_time_provider::run_callback(dispatcher&, work_item& callback) noexcept { callback.run(callback); }",
     "void fake_time_provider::run_callback(dispatcher& h, work_item& c) noexcept { time_provider::run_callback(h, c); }"),
    ("1.21/5", FAKE, "(state_->instant == state_->fired_at ? due : state_->instant)", "due"),
    ("1.21/8", TIMER, "if (armed_) static_cast<void>(disarm(released));", ""),
    ("1.22/3", LIMITER, "if (available_ < std::max(wanted, 1)) return;", "if (available_ < wanted) return;"),
    ("1.22/4", LIMITER, "|| permits > settings_.queue_limit) return false;", ") return false;"),
    ("1.22/5", LIMITER, "(queue_.empty() || settings_.queue_order == queue_processing_order::newest_first)", "true"),
    ("1.22/6", LIMITER, "if (settings_.queue_limit - queued_ >= permits) return true;",
     "if (static_cast<std::int32_t>(static_cast<std::uint32_t>(queued_) + static_cast<std::uint32_t>(permits)) <="
     " settings_.queue_limit) return true;"),
    ("1.22/7", LIMITER, "        serve(told);  // those behind it may want less\n", "\n"),
    ("1.22/8", LIMITER, "    if (disposed_) throw object_disposed(\"rate_limiter\");\n", "\n"),
    ("1.22/9", "src/coordination/rate_limiter.cpp", "unique_function<void()> release = std::move(release_);",
     "unique_function<void()>& release = release_;"),
    ("1.22/10", LIMITER, "const std::int64_t wanted = permits + queued() - available_;", "const std::int64_t wanted = permits - available_;"),
    ("1.22/11", LIMITERS, "            available_ += std::exchange(taken_[current_], 0);\n", "            available_ += taken_[current_];\n"),
    ("1.22/11", LIMITER, "for (; count > 0 && has_waiters(); --count) {", "for (; false; --count) {"),
    ("1.22/12", LIMITER, "    idle_since_.reset();\n    took(permits);", "    took(permits);"),
    ("1.22/13", "src/coordination/rate_limiter.cpp", "            if (!lease.is_acquired()) return lease;\n", "\n"),
    ("1.22/15", LIMITER, "    ++granted_;\n", "\n"),
    ("1.18/4", PARALLEL, "if (std::exchange(has_ended_, true)) return std::nullopt;", ""),
    ("1.22/14", PARTITIONED, "            of.is_made = true;\n", "\n"),
    ("1.16/1", USING, "    running = task<T>();\n    co_await resource.dispose();\n", "    running = task<T>();\n"),
    ("1.16/2", USING, "    if (thrown != nullptr) {\n        co_await resource.dispose();\n", "    if (thrown != nullptr) {\n"),
]

HANGS_AFTER = 20  # seconds

def prepare(root, tree, build):
    """A copy of the sources whose unchanged files keep their time stamps, and a configured build of it."""
    for name in ("include", "src", "tests", "cmake"):
        shutil.copytree(root / name, tree / name, dirs_exist_ok=True)
    for name in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy2(root / name, tree / name)
    subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_BUILD_TYPE=Debug",
                    "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DWEFT_PCH=ON", "-DWEFT_WERROR=OFF", "-DWEFT_EXAMPLES=OFF", "-DWEFT_INSTALL=OFF",
                    "-DWEFT_QT=OFF", "-DWEFT_GLIB=OFF", "-DWEFT_ASIO=OFF"], check=True, stdout=subprocess.DEVNULL)

def build_rooms(build, rooms):
    return subprocess.run(["ninja", "-C", build, *[f"weft_{room}_tests" for room in sorted(rooms)]],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

def run_tests(build, rooms, rule):
    """green, red, or none when no test carries the number."""
    number = rule.replace(".", "_").replace("/", "_")
    verdict = "none"
    for room in sorted(rooms):
        try:
            done = subprocess.run([build / f"weft_{room}_tests", f"--gtest_filter=*S_{number}_*"], timeout=HANGS_AFTER,
                                  capture_output=True, text=True, errors="replace", check=False)
        except subprocess.TimeoutExpired:
            return "red (hangs)"
        if done.returncode != 0:
            return "red"
        if not re.search(r"Running 0 tests", done.stdout):
            verdict = "green"
    return verdict

def run_all(root, tests, only):
    chosen = [plant for plant in PLANTS if re.search(only or ".", plant[0])]
    tree, build = root / "build/plants/tree", root / "build/plants/build"
    begun = time.monotonic()
    prepare(root, tree, build)
    rooms_of = {rule: {path.split("/")[1] for _, path in found} for rule, found in tests.items()}
    everything = set().union(*(rooms_of.get(plant[0], set()) for plant in chosen))
    print(f"building {', '.join(sorted(everything))} without a defect", flush=True)
    if not build_rooms(build, everything):
        print("the tree does not build without any plant")
        return 1
    bad = 0
    for index, (rule, name, text, other) in enumerate(chosen, 1):
        path = tree / name
        original = path.read_text()
        if original.count(text) != 1:
            verdict = f"the text stands {original.count(text)} times in {name}"
        else:
            path.write_text(original.replace(text, other))
            rooms = rooms_of.get(rule, set())
            verdict = run_tests(build, rooms, rule) if build_rooms(build, rooms) else "does not build"
            path.write_text(original)
        good = verdict.startswith("red")
        bad += not good
        print(f"[{index}/{len(chosen)}] {rule:8} {name}: {verdict}{'' if good else '   <- a plant must turn its rule red'}", flush=True)
    print(f"{len(chosen)} planted defects, {bad} not found, {(time.monotonic() - begun) / 60:.1f} minutes")
    return 1 if bad else 0
