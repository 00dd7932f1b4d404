// The program of README.md; tests/architecture checks that both are the same, ctest runs it.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

weft::task<std::string> load(std::string what) {
    co_await weft::delay(200ms);  // no thread waits here
    co_return what + " loaded";
}

weft::task<int> async_main(int, char**) {
    weft::task<std::string> products = load("products");  // hot: already running
    weft::task<std::string> widgets = load("widgets");
    auto [first, second] = co_await weft::when_all(products, widgets);  // 200 ms, not 400
    std::printf("%s, %s\n", first.c_str(), second.c_str());
    co_return 0;
}

int main(int count, char** arguments) { return weft::run_main(async_main, count, arguments); }
