# weft_warnings(target): the warnings under which every source of ours compiles.
# SPDX-License-Identifier: MIT
function(weft_warnings target)
    set(flags -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow)
    if(WEFT_WERROR)
        list(APPEND flags -Werror)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # False warnings of GCC 12 on correct coroutines. Each is off only for our own sources; users see what they ask for.
        list(APPEND flags
            # A promise's operator new that ends in malloc and an operator delete that ends in free look mismatched to it once
            # one of the two is inlined into the coroutine's ramp.
            -Wno-mismatched-new-delete
            # The frame's fields are reported as read before the ramp wrote them (GCC bug 109448).
            -Wno-maybe-uninitialized)
        if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
            # The address of an awaiter is kept in the task it awaits; the awaiter lives in the frame, not on the stack as
            # GCC supposes.
            list(APPEND flags -Wno-dangling-pointer)
        endif()
        if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
            # At -O2 and above GCC 12 reports out-of-bounds and freed accesses inside its own std::string and std::vector
            # after inlining them into a coroutine (GCC bugs 105329, 105651).
            list(APPEND flags -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-use-after-free)
        endif()
    endif()
    target_compile_options(${target} PRIVATE ${flags})
endfunction()
