#pragma once
// src/tls/certificate_text.hpp: from OpenSSL's certificate to ours.
// SPDX-License-Identifier: MIT

#include "tls/openssl.hpp"
#include "weft/tls/certificate.hpp"

namespace weft::inline WEFT_ABI::detail {

[[nodiscard]] net::tls_certificate describe(X509& certificate);

}  // namespace weft::inline WEFT_ABI::detail
