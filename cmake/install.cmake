# Install rules: headers, libraries, a package file with one component a storey, and a pkg-config file a storey.
# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)

set(weft_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/weft")
get_property(storeys GLOBAL PROPERTY WEFT_STOREYS)

# The .pc files find the prefix from where they lie, so that an installed tree may be moved.
file(RELATIVE_PATH WEFT_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" WEFT_PC_TO_PREFIX "${WEFT_PC_TO_PREFIX}")

foreach(storey IN LISTS storeys)
    set(target weft_${storey})
    install(TARGETS ${target} EXPORT weft-${storey}
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${storey})
    install(EXPORT weft-${storey} NAMESPACE weft:: FILE weft-${storey}-targets.cmake
        DESTINATION "${weft_package_dir}" COMPONENT ${storey})
    get_property(rooms TARGET ${target} PROPERTY WEFT_STOREY_ROOMS)
    get_property(doors TARGET ${target} PROPERTY WEFT_STOREY_DOORS)
    foreach(room IN LISTS rooms doors)
        if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/include/weft/${room}")
            install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/weft/${room}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/weft"
                COMPONENT ${storey} FILES_MATCHING PATTERN "*.hpp")
        endif()
    endforeach()

    get_property(needs TARGET ${target} PROPERTY WEFT_STOREY_NEEDS)
    get_property(modules TARGET ${target} PROPERTY WEFT_STOREY_PKGCONFIG)
    set(WEFT_PC_NAME "weft-${storey}")
    set(WEFT_PC_REQUIRES "")
    foreach(need IN LISTS needs)
        string(APPEND WEFT_PC_REQUIRES " weft-${need}")
    endforeach()
    # The libraries are static, so what they use must be on the user's link line: Requires, not Requires.private.
    foreach(module IN LISTS modules)
        string(APPEND WEFT_PC_REQUIRES " ${module}")
    endforeach()
    get_target_property(kind ${target} TYPE)
    set(WEFT_PC_LIBS "")
    if(NOT kind STREQUAL "INTERFACE_LIBRARY")
        set(WEFT_PC_LIBS "-L\${libdir} -lweft_${storey}")
    endif()
    set(WEFT_PC_CFLAGS "-I\${includedir} -std=c++20 -pthread")
    get_property(defines TARGET ${target} PROPERTY WEFT_STOREY_DEFINES)
    foreach(define IN LISTS defines)
        string(APPEND WEFT_PC_CFLAGS " -D${define}")
    endforeach()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
        string(APPEND WEFT_PC_CFLAGS " -foptimize-sibling-calls")
    endif()
    configure_file("${PROJECT_SOURCE_DIR}/cmake/weft.pc.in" "${PROJECT_BINARY_DIR}/weft-${storey}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/weft-${storey}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT ${storey})
endforeach()

# What a GoogleTest program is given to obey WEFT_SIM=1.
install(FILES "${PROJECT_SOURCE_DIR}/cmake/obey_simulation.cpp" DESTINATION "${CMAKE_INSTALL_DATADIR}/weft"
    COMPONENT testing)

# Front doors and the umbrella.
file(GLOB doors CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/weft/*.hpp")
if(doors)
    install(FILES ${doors} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/weft" COMPONENT core)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/weft-config.cmake.in" "${PROJECT_BINARY_DIR}/weft-config.cmake"
    INSTALL_DESTINATION "${weft_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weft-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/weft-config.cmake" "${PROJECT_BINARY_DIR}/weft-config-version.cmake"
    DESTINATION "${weft_package_dir}" COMPONENT core)
