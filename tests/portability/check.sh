# usage: check.sh <program to make> <source with the headers> <compiler> <flag>...
# The headers compile without a warning, and the core works.
set -eu
program=$1 headers=$2
shift 2
set -- "$@" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I../../include
"$@" -fsyntax-only "$headers"
"$@" core.cpp -o "$program"
"$program"
