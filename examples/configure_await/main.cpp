// configure_await(false) belongs in libraries, not in windows: what each of the two sees, and who can be waited for. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

// A library knows no window: after its awaits any thread will do, and it says so at each of them.
weft::task<std::string> library_load() {
    co_await weft::delay(20ms).configure_await(false);
    std::string text = "the text";
    co_await weft::delay(1ms).configure_await(false);
    co_return text;
}

// The same without: each await comes back to whatever context the caller happens to have.
weft::task<std::string> careless_load() {
    co_await weft::delay(2ms);
    co_return "the text";
}

// A window needs its thread after the await: plain co_await, and the library's choice does not matter to it.
class window {
public:
    explicit window(weft::event_loop_context& loop) : loop_(loop) {}

    weft::task<bool> load_clicked() {
        title_ = co_await library_load();
        co_return loop_.is_current_thread();  // it may touch its title
    }
    // Giving the context up in a window: it goes on wherever the library's task ended, and must not touch the window any more.
    weft::task<bool> load_carelessly_clicked() {
        const std::string text = co_await library_load().configure_await(false);
        co_return loop_.is_current_thread();
    }
    // Blocking the window's thread: fine when the library needs no window, and otherwise a deadlock, which Weft refuses.
    bool blocks_without_harm() { return library_load().get() == "the text"; }
    bool is_refused_to_block() {
        try {
            static_cast<void>(careless_load().get());
            return false;
        } catch (const weft::invalid_operation&) {
            return true;
        }
    }

private:
    weft::event_loop_context& loop_;
    std::string title_;
};

}  // namespace

int main() {
    weft::event_loop_context loop;
    window shown(loop);
    bool came_back = false;
    bool stayed_away = false;
    bool blocked = false;
    bool refused = false;
    const auto session = [&]() -> weft::task<> {
        came_back = co_await shown.load_clicked();
        const bool on_loop = co_await shown.load_carelessly_clicked();
        stayed_away = !on_loop;
        blocked = shown.blocks_without_harm();
        refused = shown.is_refused_to_block();
    };
    weft::task<> running;
    {
        const weft::synchronization_context_scope scope(&loop);
        running = session();
    }
    loop.run_until(running);
    std::printf("window after a plain await: %s\n", came_back ? "on its thread" : "LOST");
    std::printf("window after configure_await(false): %s\n", stayed_away ? "on some thread of the pool" : "UNEXPECTED");
    std::printf("blocking on the library: %s\n", blocked ? "works" : "FAILED");
    std::printf("blocking on a careless library: %s\n", refused ? "refused as a deadlock" : "UNEXPECTED");
    return came_back && stayed_away && blocked && refused ? 0 : 1;
}
