# Install rules: headers, one export set per component, the package configuration and pkg-config file.
include(CMakePackageConfigHelpers)

# Nothing here depends on the architecture but the library of component capi, which lies under lib/.
set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/lockgate")

foreach(component IN LISTS lockgate_components)
  set(target lockgate_${component})
  if(component STREQUAL "lockgate")
    set(target lockgate)
  endif()
  get_target_property(header_sets ${target} INTERFACE_HEADER_SETS)
  if(header_sets)
    install(TARGETS ${target} EXPORT lockgate-${component} FILE_SET HEADERS)
  else()
    install(TARGETS ${target} EXPORT lockgate-${component})
  endif()
  install(EXPORT lockgate-${component} NAMESPACE lockgate:: DESTINATION "${package_dir}")
endforeach()

install(FILES src/compiled.cpp DESTINATION "${CMAKE_INSTALL_DATADIR}/lockgate")

configure_package_config_file(cmake/lockgateConfig.cmake.in lockgateConfig.cmake
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
# 0.x: a minor version may break the interface.
write_basic_package_version_file(lockgateConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/lockgateConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/lockgateConfigVersion.cmake"
  cmake/FindAsio.cmake
  DESTINATION "${package_dir}")

configure_file(cmake/lockgate.pc.in lockgate.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/lockgate.pc"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
