#pragma once
// user_page/image.hpp: work for a processor: filters on a picture made of arithmetic.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <string_view>
#include <vector>

namespace user_page {

/// A square grey picture.
struct image {
    std::size_t side = 0;
    std::vector<float> pixels;
};

/// Waves, the same each time.
[[nodiscard]] image make_image(std::size_t side);

/// The four filters. They cost the same, so that sharing them out evenly is the best there is.
inline constexpr std::size_t filter_count = 4;
[[nodiscard]] std::string_view filter_name(std::size_t index);

/// Applies filter `index`, `passes` times over. Takes and gives the picture, so that steps can be chained.
[[nodiscard]] image apply_filter(std::size_t index, image picture, std::size_t passes);

/// A number that depends on every pixel, to see that two ways gave the same picture.
[[nodiscard]] double checksum(const image& picture);

}  // namespace user_page
