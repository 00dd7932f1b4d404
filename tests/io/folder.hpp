#pragma once
// tests/io/folder.hpp: a folder of its own for a test of files.
// SPDX-License-Identifier: MIT

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support.hpp"

namespace weft_test {

class folder_test : public io_test {
protected:
    folder_test() {
        char name[] = "/tmp/weft-folder-test-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~folder_test() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    [[nodiscard]] std::string at(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::size_t names_in_folder() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder_)) ++count;
        return count;
    }
    std::string folder_;
};

}  // namespace weft_test
