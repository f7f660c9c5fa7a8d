# Taken from a checkout of lockgate itself: the port lives in the tree it builds.
set(SOURCE_PATH "${CURRENT_PORT_DIR}/../..")

vcpkg_check_features(OUT_FEATURE_OPTIONS features INVERTED_FEATURES
  asio CMAKE_DISABLE_FIND_PACKAGE_Asio
  crypto CMAKE_DISABLE_FIND_PACKAGE_OpenSSL)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS -DLOCKGATE_DEVELOPER=OFF -DLOCKGATE_BUILD_CAPI=OFF ${features})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/lockgate)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug")

file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
