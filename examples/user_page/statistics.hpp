#pragma once
// user_page/statistics.hpp: percentiles and medians of measured times.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace user_page {

/// The smallest value that at least `share` of all do not exceed (nearest rank). @param share  0 < share <= 1
[[nodiscard]] inline double percentile(std::vector<double> values, double share) {
    if (values.empty()) throw std::runtime_error("nothing was measured");
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

[[nodiscard]] inline double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }
[[nodiscard]] inline double least(const std::vector<double>& values) {
    return *std::min_element(values.begin(), values.end());
}
[[nodiscard]] inline double greatest(const std::vector<double>& values) {
    return *std::max_element(values.begin(), values.end());
}

/// Time since construction.
class stopwatch {
public:
    [[nodiscard]] double milliseconds() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace user_page
