#!/bin/bash
# gcc-12 for kernel headers made with a newer one: without the options that only that knows.
options=()
for option in "$@"; do
  case $option in
    -fmin-function-alignment=*) options+=("-falign-functions=${option#*=}") ;;
    -fdiagnostics-show-context* | -Wno-unterminated-string-initialization) ;;
    *) options+=("$option") ;;
  esac
done
exec gcc-12 "${options[@]}" -Wno-attributes
