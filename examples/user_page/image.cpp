// Convolutions with a kernel of five by five.
// SPDX-License-Identifier: MIT

#include "image.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace user_page {

namespace {

constexpr std::size_t reach = 2;  // of the kernel, to each side
constexpr std::size_t width = 2 * reach + 1;
using kernel = std::array<float, width * width>;

struct named_kernel {
    std::string_view name;
    kernel weights;
};

// Each sums to 1 or keeps values bounded by the clamp below.
constexpr std::array<named_kernel, filter_count> kernels{{
    {"blur",
        {.01F, .02F, .04F, .02F, .01F, .02F, .06F, .09F, .06F, .02F, .04F, .09F, .04F, .09F, .04F, .02F, .06F, .09F, .06F,
            .02F, .01F, .02F, .04F, .02F, .01F}},
    {"sharpen",
        {0, 0, -.05F, 0, 0, 0, -.1F, -.2F, -.1F, 0, -.05F, -.2F, 2.4F, -.2F, -.05F, 0, -.1F, -.2F, -.1F, 0, 0, 0, -.05F, 0,
            0}},
    {"emboss", {-.4F, -.2F, 0, 0, 0, -.2F, -.4F, -.2F, 0, 0, 0, -.2F, 1, .2F, 0, 0, 0, .2F, .4F, .2F, 0, 0, 0, .2F, .4F}},
    {"edges", {0, 0, .1F, 0, 0, 0, .2F, .4F, .2F, 0, .1F, .4F, -1.8F, .4F, .1F, 0, .2F, .4F, .2F, 0, 0, 0, .1F, 0, 0}},
}};

float weigh(const image& from, const kernel& weights, std::size_t row, std::size_t column) {
    float sum = 0;
    for (std::size_t down = 0; down < width; ++down) {
        const float* line = from.pixels.data() + (row + down - reach) * from.side + column - reach;
        for (std::size_t along = 0; along < width; ++along) sum += weights[down * width + along] * line[along];
    }
    return std::clamp(sum, 0.0F, 1.0F);
}

}  // namespace

image make_image(std::size_t side) {
    image made{side, std::vector<float>(side * side)};
    for (std::size_t row = 0; row < side; ++row)
        for (std::size_t column = 0; column < side; ++column) {
            const auto across = static_cast<float>(column) * 0.05F;
            const auto down = static_cast<float>(row) * 0.03F;
            made.pixels[row * side + column] = 0.5F + 0.25F * std::sin(across) + 0.25F * std::cos(down + across);
        }
    return made;
}

std::string_view filter_name(std::size_t index) { return kernels.at(index).name; }

image apply_filter(std::size_t index, image picture, std::size_t passes) {
    const kernel& weights = kernels.at(index).weights;
    image other = picture;  // the margin stays as it is
    for (std::size_t pass = 0; pass < passes; ++pass) {
        for (std::size_t row = reach; row + reach < picture.side; ++row)
            for (std::size_t column = reach; column + reach < picture.side; ++column)
                other.pixels[row * picture.side + column] = weigh(picture, weights, row, column);
        std::swap(picture, other);
    }
    return picture;
}

double checksum(const image& picture) {
    double sum = 0;
    for (std::size_t at = 0; at < picture.pixels.size(); ++at)
        sum += static_cast<double>(picture.pixels[at]) * static_cast<double>(at % 251);
    return sum;
}

}  // namespace user_page
