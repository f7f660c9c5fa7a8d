# usage: build_and_run.sh <compiler> <pkg-config> <folder of lockgate.pc> <output folder>
set -eu
export PKG_CONFIG_PATH="$3"
# Unquoted: these are flags.
"$1" -std=c++20 main.cpp $("$2" --cflags --libs lockgate) -o "$4/pkg_config_core"
"$4/pkg_config_core"
