# usage: build_and_use.sh <source folder> <work folder> <compiler>
# Builds the Debian package from a copy of the tree, unpacks it, and builds the CMake and pkg-config consumers with it.
set -eu
source=$1 work=$2 compiler=$3
consumers=$PWD
rm -rf "$work"
mkdir -p "$work/lockgate" "$work/root"
cd "$source"
cp -R CMakeLists.txt cmake include src LICENSE packaging "$work/lockgate"
cd "$work/lockgate"
mv packaging/debian debian
dpkg-buildpackage -b -us -uc

dpkg-deb -x ../liblockgate-dev_*.deb ../root
prefix=$work/root/usr
cmake -G Ninja -S "$consumers/find_package" -B "$work/find_package" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler"
cmake --build "$work/find_package"
(cd "$work/find_package" && ctest --output-on-failure --no-tests=error)
cd "$consumers"
sh pkg_config/build_and_run.sh "$compiler" pkg-config "$prefix/share/pkgconfig" "$work"
