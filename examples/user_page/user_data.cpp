// Making and opening the users' data.
// SPDX-License-Identifier: MIT

#include "user_data.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>

#include <weft/base/error.hpp>
#include <weft/fs/file_operations.hpp>

#include "command_line.hpp"

namespace user_page {

namespace {

constexpr std::array<std::string_view, 4> names{"Ada", "Grace", "Barbara", "Leslie"};

weft::task<> fill(const weft::data::database& users) {
    co_await users.execute("create table users (id integer primary key, name text not null, email text not null)");
    for (std::size_t index = 0; index < names.size(); ++index)
        co_await users.execute("insert into users (id, name, email) values ({0}, {1}, {2})", index + 1, names[index],
            std::string(names[index]) + "@example.org");
}

}  // namespace

std::string database_path(const std::string& folder) { return folder + "/users.db"; }

std::string profile_path(const std::string& folder, std::int64_t id) {
    return folder + "/profile-" + std::to_string(id) + ".txt";
}

weft::task<> make_user_data(std::string folder) {
    try {
        std::filesystem::remove(database_path(folder));
        const auto users = co_await weft::data::database::open("sqlite://" + database_path(folder) + "?mode=rwc&pool=1");
        co_await fill(users);
        co_await users.close();
        for (std::size_t index = 0; index < names.size(); ++index) {
            const std::string profile = std::string(names[index]) + " writes programs, and waits for none of them.\n";
            co_await weft::fs::write_all_text(profile_path(folder, static_cast<std::int64_t>(index + 1)), profile);
        }
    } catch (const std::exception& error) {
        throw setup_error("make the users' data in '" + folder + "' failed: " + error.what());
    }
}

weft::task<weft::data::database> open_user_data(std::string folder) {
    const std::string path = database_path(folder);
    if (!std::filesystem::exists(path))
        throw setup_error("open '" + path + "' failed: there is no such file; --prepare '" + folder + "' makes it");
    try {
        auto users = co_await weft::data::database::open("sqlite://" + path + "?mode=rw&pool=1");
        const auto count = co_await users.query_scalar<std::int64_t>("select count(*) from users");
        if (count == 0) throw setup_error("'" + path + "' has no users; --prepare '" + folder + "' makes some");
        co_return users;
    } catch (const weft::data::database_error& error) {
        throw setup_error("open '" + path + "' failed: " + error.what());
    }
}

}  // namespace user_page
