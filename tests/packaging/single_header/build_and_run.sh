# usage: build_and_run.sh <source folder> <work folder> <compiler>
# Generates the single headers and builds two examples with them, without include/.
set -eu
source=$1 work=$2 compiler=$3
rm -rf "$work"
mkdir -p "$work/shim"
python3 "$source/packaging/single_header.py" "$work"

# The examples include single layers; each becomes the header that has it.
(cd "$source/include" && find lockgate -name '*.hpp') | while read -r header; do
  mkdir -p "$work/shim/$(dirname "$header")"
  case $header in
    lockgate/asio/*) echo "#include \"$work/lockgate_asio.hpp\"" ;;
    *) echo "#include \"$work/lockgate.hpp\"" ;;
  esac >"$work/shim/$header"
done

build() { "$compiler" -std=c++20 -Wall -Wextra -Werror -I"$work" -I"$work/shim" "$@" -pthread; }

# The core needs the standard library alone.
if grep -E '^#include (<[^>]*[/.]|")' "$work/lockgate.hpp" | grep -v '^#include <sanitizer/'; then
  echo "lockgate.hpp includes more than the standard library" >&2
  exit 1
fi
build "$source/examples/own_loop.cpp" -o "$work/own_loop"
"$work/own_loop"

# Two translation units, which include the two headers in either order.
printf '#include "lockgate_asio.hpp"\n#include "lockgate.hpp"\n' >"$work/other_order.cpp"
build -DASIO_STANDALONE "$source/examples/smallest_provider.cpp" "$work/other_order.cpp" -o "$work/smallest_provider"
"$work/smallest_provider"
