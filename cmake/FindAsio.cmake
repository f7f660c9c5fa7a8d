# Finds standalone Asio: a package configuration first (vcpkg, Conan), then the bare headers that
# distributions install. Defines asio::asio, Asio_FOUND and Asio_VERSION.

find_package(asio CONFIG QUIET)
if(TARGET asio::asio)
  get_target_property(Asio_INCLUDE_DIR asio::asio INTERFACE_INCLUDE_DIRECTORIES)
  set(Asio_VERSION "${asio_VERSION}")
else()
  find_path(Asio_INCLUDE_DIR asio/version.hpp)
  mark_as_advanced(Asio_INCLUDE_DIR)
  if(Asio_INCLUDE_DIR)
    # "#define ASIO_VERSION 102201 // 1.22.1": major * 100000 + minor * 100 + patch
    file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" Asio_VERSION REGEX "define ASIO_VERSION ")
    string(REGEX REPLACE ".* // ([0-9.]+).*" "\\1" Asio_VERSION "${Asio_VERSION}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Asio REQUIRED_VARS Asio_INCLUDE_DIR VERSION_VAR Asio_VERSION)

if(Asio_FOUND AND NOT TARGET asio::asio)
  find_package(Threads QUIET)
  add_library(asio::asio INTERFACE IMPORTED)
  set_target_properties(asio::asio PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${Asio_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
