# weft_storey(): one library target from the folders of its rooms. Files are found by globbing, so that adding one needs no
# edit here.
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
set_property(GLOBAL PROPERTY WEFT_STOREYS "")

# Whether `target` exists as weft::<name>, in `out` the list of those that do.
function(weft_existing out)
    set(found "")
    foreach(name IN LISTS ARGN)
        if(TARGET weft_${name})
            list(APPEND found weft::${name})
        endif()
    endforeach()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Options every target of ours shares: warnings, private includes.
function(weft_own_target target)
    weft_warnings(${target})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
endfunction()

# What the users of weft::core compile with, too.
function(weft_exported_options target visibility)
    # GCC makes a tail call of symmetric transfer at -O0 to -O1 only with this flag; without it a long chain of completed
    # tasks falls back to the trampoline at every step (docs/gcc12.md).
    target_compile_options(${target} ${visibility}
        "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,15>>:-foptimize-sibling-calls>")
    # A task that nobody looks at is a forgotten co_await.
    target_compile_options(${target} ${visibility} "$<$<CXX_COMPILER_ID:GNU,Clang>:-Werror=unused-result>")
endfunction()

# The standard library, precompiled once for all storeys. Only the standard library: with a header of ours in it every edit
# would rebuild everything. The reference build leaves it out, so that a missing #include is seen.
function(weft_precompiled_headers)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/weft_pch.cpp" CONTENT "// Carries the precompiled header of the storeys.\n")
    add_library(weft_pch OBJECT "${PROJECT_BINARY_DIR}/weft_pch.cpp")
    weft_own_target(weft_pch)
    set_target_properties(weft_pch PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_features(weft_pch PUBLIC cxx_std_20)
    weft_exported_options(weft_pch PRIVATE)
    target_precompile_headers(weft_pch PRIVATE <algorithm> <atomic> <chrono> <condition_variable> <coroutine> <exception>
        <functional> <memory> <mutex> <optional> <span> <string> <string_view> <system_error> <thread> <tuple> <type_traits>
        <unordered_map> <utility> <variant> <vector>)
endfunction()

# What links `target` and GoogleTest by name gets one more source, by which it obeys WEFT_SIM=1.
function(weft_obeys_simulation target)
    set(names "")
    foreach(name IN ITEMS GTest::gtest GTest::gtest_main GTest::gmock GTest::gmock_main gtest gtest_main gmock gmock_main)
        list(APPEND names "$<IN_LIST:${name},$<TARGET_PROPERTY:LINK_LIBRARIES>>")
    endforeach()
    list(JOIN names "," names)
    target_sources(${target} INTERFACE
        "$<BUILD_INTERFACE:$<$<OR:${names}>:${PROJECT_SOURCE_DIR}/cmake/obey_simulation.cpp>>"
        "$<INSTALL_INTERFACE:$<$<OR:${names}>:$<INSTALL_PREFIX>/${CMAKE_INSTALL_DATADIR}/weft/obey_simulation.cpp>>")
endfunction()

# weft_storey(NAME n ROOMS r... [DOORS folder...] [NEEDS storey...] [PUBLIC target...] [PKGCONFIG module...] [HEADER_ONLY Boost] [DEFINES d...])
#   DOORS        folders of front doors, include/weft/<folder>, that are installed with it
#   NEEDS        storeys below, linked publicly
#   PUBLIC       imported targets that users need too
#   PKGCONFIG    libraries the storey links privately, found by pkg-config
#   HEADER_ONLY  header libraries that only the storey's sources see
#   DEFINES      private definitions
#   EXPORTED_DEFINES  definitions that users compile with, too
function(weft_storey)
    cmake_parse_arguments(arg "" "NAME"
        "ROOMS;DOORS;NEEDS;PUBLIC;PKGCONFIG;HEADER_ONLY;DEFINES;EXPORTED_DEFINES" ${ARGN})
    set(sources "")
    set(headers "")
    foreach(room IN LISTS arg_ROOMS)
        file(GLOB_RECURSE room_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/*.cpp")
        file(GLOB_RECURSE room_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/weft/${room}/*.hpp")
        list(APPEND sources ${room_sources})
        list(APPEND headers ${room_headers})
    endforeach()
    if(NOT sources AND NOT headers)
        return()
    endif()

    set(target weft_${arg_NAME})
    if(sources)
        set(visibility PUBLIC)
        add_library(${target} STATIC ${sources})
        weft_own_target(${target})
        # Tests stay apart: their files are worlds of their own.
        set_target_properties(${target} PROPERTIES UNITY_BUILD ${WEFT_UNITY} UNITY_BUILD_BATCH_SIZE 8)
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
    else()
        set(visibility INTERFACE)
        add_library(${target} INTERFACE)
    endif()
    add_library(weft::${arg_NAME} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME} OUTPUT_NAME weft_${arg_NAME})
    target_compile_features(${target} ${visibility} cxx_std_20)
    target_include_directories(${target} ${visibility}
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    weft_existing(needs ${arg_NEEDS})
    target_link_libraries(${target} ${visibility} ${needs} ${arg_PUBLIC})

    target_compile_definitions(${target} ${visibility} ${arg_EXPORTED_DEFINES})
    if(arg_NAME MATCHES "^(core|explore)$")
        weft_exported_options(${target} ${visibility})
    endif()
    if(sources AND WEFT_PCH)
        target_precompile_headers(${target} REUSE_FROM weft_pch)
    endif()

    if(sources)
        foreach(module IN LISTS arg_PKGCONFIG)
            find_package(PkgConfig REQUIRED)
            pkg_check_modules(weft_${module} REQUIRED IMPORTED_TARGET GLOBAL ${module})
            target_link_libraries(${target} PRIVATE PkgConfig::weft_${module})
        endforeach()
        foreach(package IN LISTS arg_HEADER_ONLY)
            find_package(${package} 1.81 REQUIRED)
            target_link_libraries(${target} PRIVATE "$<BUILD_INTERFACE:${package}::headers>")
        endforeach()
    endif()

    if(arg_NAME MATCHES "^(testing|explore)$")
        weft_obeys_simulation(${target})
    endif()

    set_property(GLOBAL APPEND PROPERTY WEFT_STOREYS ${arg_NAME})
    set_property(TARGET ${target} PROPERTY WEFT_STOREY_ROOMS "${arg_ROOMS}")
    set_property(TARGET ${target} PROPERTY WEFT_STOREY_DOORS "${arg_DOORS}")
    set_property(TARGET ${target} PROPERTY WEFT_STOREY_NEEDS "${arg_NEEDS}")
    set_property(TARGET ${target} PROPERTY WEFT_STOREY_DEFINES "${arg_EXPORTED_DEFINES}")
    set_property(TARGET ${target} PROPERTY WEFT_STOREY_PKGCONFIG "${arg_PKGCONFIG}")
endfunction()
