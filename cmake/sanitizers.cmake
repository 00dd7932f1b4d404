# WEFT_SANITIZE applies to everything in the build; the exported targets know nothing of it.
# SPDX-License-Identifier: MIT
if(WEFT_SANITIZE)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT WEFT_SANITIZE STREQUAL "address")
        message(FATAL_ERROR "GCC is only used with WEFT_SANITIZE=address: its thread sanitizer overflows the stack on symmetric "
            "transfer (docs/gcc12.md); use clang for '${WEFT_SANITIZE}'")
    endif()
    string(REPLACE ";" "," weft_sanitize_list "${WEFT_SANITIZE}")
    set(weft_sanitize_flags -fsanitize=${weft_sanitize_list} -fno-omit-frame-pointer)
    if("undefined" IN_LIST WEFT_SANITIZE)
        # A report must end the test; the default prints and goes on.
        list(APPEND weft_sanitize_flags -fno-sanitize-recover=all)
    endif()
    add_compile_options(${weft_sanitize_flags})
    add_link_options(${weft_sanitize_flags})
endif()
