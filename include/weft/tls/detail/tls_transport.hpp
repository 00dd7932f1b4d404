#pragma once
// <weft/tls/detail/tls_transport.hpp>: what carries the encrypted bytes, whatever its type.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One read and one write may be pending; close() ends both.
class tls_transport {
public:
    virtual ~tls_transport() = default;
    [[nodiscard]] virtual task<std::size_t> read(std::span<std::byte> buffer, cancellation_token token) = 0;
    [[nodiscard]] virtual task<std::size_t> write_some(std::span<const std::byte> data, cancellation_token token) = 0;
    [[nodiscard]] virtual task<> close() = 0;
    /// Small records are not held back until others are acknowledged. @throws io_error
    virtual void send_at_once() = 0;
    /// Names the peer in errors; empty: unknown.
    [[nodiscard]] virtual std::string peer() const = 0;

protected:
    tls_transport() = default;
};

template <class Stream>
class transport_of final : public tls_transport {
public:
    explicit transport_of(Stream stream) : stream_(std::move(stream)) {}

    [[nodiscard]] task<std::size_t> read(std::span<std::byte> buffer, cancellation_token token) override {
        return task<std::size_t>(stream_.read(buffer, std::move(token)));
    }
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> data, cancellation_token token) override {
        return task<std::size_t>(stream_.write_some(data, std::move(token)));
    }
    [[nodiscard]] task<> close() override { return task<>(stream_.close()); }
    void send_at_once() override {
        if constexpr (requires { stream_.no_delay(); }) stream_.no_delay();
    }
    [[nodiscard]] std::string peer() const override {
        if constexpr (requires { stream_.remote_endpoint().to_string(); }) return stream_.remote_endpoint().to_string();
        else return std::string();
    }

private:
    Stream stream_;
};

}  // namespace weft::inline WEFT_ABI::detail
