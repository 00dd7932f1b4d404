# Language level, release level and linker; nothing here reaches the users of an installed Weft.
# SPDX-License-Identifier: MIT
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
    if(NOT CMAKE_BUILD_TYPE)
        set(CMAKE_BUILD_TYPE Release)
    endif()
    # Release is -O2: that is what distributions ship and what our figures are measured with. A value given on the command
    # line stays.
    if(CMAKE_CXX_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")
        set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
    endif()
    # lld links the test programs several times faster than bfd, but only clang finds the versioned one by itself.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        include(CheckLinkerFlag)
        check_linker_flag(CXX "-fuse-ld=lld" WEFT_HAS_LLD)
        if(WEFT_HAS_LLD)
            add_link_options(-fuse-ld=lld)
        endif()
    endif()
endif()
