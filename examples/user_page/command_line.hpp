#pragma once
// user_page/command_line.hpp: options of the three programs, and how a program that cannot work says so.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace user_page {

/// The user must change something before the program can work: exit status 2.
class setup_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The options a program knows, `--name`, `--name VALUE` or `--name=VALUE`, and where their values go.
class command_line {
public:
    void flag(std::string name, bool& target, std::string help);
    void text(std::string name, std::string& target, std::string help);
    /// @param least,most  bounds of the value, both allowed
    void number(std::string name, std::size_t& target, std::size_t least, std::size_t most, std::string help);

    /// Prints the options and ends the program for `--help`.
    /// @throws setup_error  naming the option that is unknown, lacks its value or has a wrong one
    void parse(int count, char** arguments) const;

private:
    struct option {
        std::string name;
        bool takes_value;
        std::string help;
        std::function<void(const std::string&)> store;
    };

    void print_help(const char* program) const;

    std::vector<option> options_;
};

/// Runs `body` and gives its exit status: 2 with the message on stderr after a setup_error, 3 after any other exception.
int guarded_main(const char* program, const std::function<int()>& body);

/// Ends this program when `parent`, the process that started it, ends, however that happens.
void end_with_parent(std::size_t parent);

}  // namespace user_page
