#pragma once
// user_page/user_data.hpp: the users of the example: a row each in SQLite and a profile file each.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>

#include <weft/data/database.hpp>
#include <weft/task.hpp>

namespace user_page {

/// A row of the table `users`.
struct user {
    std::int64_t id = 0;
    std::string name;
    std::string email;
};

/// Where things are in the data folder.
[[nodiscard]] std::string database_path(const std::string& folder);
[[nodiscard]] std::string profile_path(const std::string& folder, std::int64_t id);

/// Makes the database and the profiles of four users in `folder`, which must exist.
/// @throws setup_error  naming what cannot be made
weft::task<> make_user_data(std::string folder);

/// Opens the database of `folder` and looks whether it has users.
/// @throws setup_error  if it is missing, is no database, or has no users
weft::task<weft::data::database> open_user_data(std::string folder);

}  // namespace user_page

template <>
struct weft::data::row_traits<user_page::user> {
    static constexpr auto columns = weft::data::columns(weft::data::column("id", &user_page::user::id),
        weft::data::column("name", &user_page::user::name), weft::data::column("email", &user_page::user::email));
};
