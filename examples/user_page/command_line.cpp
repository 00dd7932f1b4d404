// Parsing options and ending with a clear sentence.
// SPDX-License-Identifier: MIT

#include "command_line.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <sys/prctl.h>
#include <unistd.h>

namespace user_page {

void command_line::flag(std::string name, bool& target, std::string help) {
    options_.emplace_back(
        option{std::move(name), false, std::move(help), [&target](const std::string&) { target = true; }});
}

void command_line::text(std::string name, std::string& target, std::string help) {
    options_.emplace_back(
        option{std::move(name), true, std::move(help), [&target](const std::string& value) { target = value; }});
}

void command_line::number(std::string name, std::size_t& target, std::size_t least, std::size_t most, std::string help) {
    auto store = [&target, least, most, name](const std::string& value) {
        std::size_t parsed = 0;
        const char* last = value.data() + value.size();
        const auto [end, problem] = std::from_chars(value.data(), last, parsed);
        if (problem != std::errc() || end != last || parsed < least || parsed > most)
            throw setup_error("option '" + name + "' has the value '" + value + "'; it takes a number from " +
                std::to_string(least) + " to " + std::to_string(most));
        target = parsed;
    };
    options_.emplace_back(option{std::move(name), true, std::move(help), std::move(store)});
}

void command_line::print_help(const char* program) const {
    std::printf("usage: %s [options]\n", program);
    for (const option& each : options_)
        std::printf("  %-24s %s\n", (each.name + (each.takes_value ? " VALUE" : "")).c_str(), each.help.c_str());
}

void command_line::parse(int count, char** arguments) const {
    for (int index = 1; index < count; ++index) {
        const std::string argument = arguments[index];
        if (argument == "--help") {
            print_help(arguments[0]);
            std::exit(0);
        }
        const std::size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const option* found = nullptr;
        for (const option& each : options_)
            if (each.name == name) found = &each;
        if (found == nullptr) throw setup_error("unknown option '" + name + "'; --help lists what there is");
        if (!found->takes_value) {
            if (equals != std::string::npos) throw setup_error("option '" + name + "' takes no value");
            found->store({});
        } else if (equals != std::string::npos) {
            found->store(argument.substr(equals + 1));
        } else if (index + 1 < count) {
            found->store(arguments[++index]);
        } else {
            throw setup_error("option '" + name + "' needs a value");
        }
    }
}

int guarded_main(const char* program, const std::function<int()>& body) {
    try {
        return body();
    } catch (const setup_error& error) {
        std::fprintf(stderr, "%s: %s\n", program, error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: failed: %s\n", program, error.what());
        return 3;
    }
}

void end_with_parent(std::size_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have ended before the line above.
    if (static_cast<std::size_t>(getppid()) != parent) _exit(3);
}

}  // namespace user_page
