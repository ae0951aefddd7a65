#!/bin/sh
# Installs the programs of others that the tests compare Sealbell with. Where it cannot, it says what to do, and the
# tests that need them fail with the same hint (SEALBELL_SKIP_INTEROP=1 leaves those out).
set -u
missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need age age
need mosquitto mosquitto
need ssh-keygen openssh-client
need node nodejs
need npm npm
need openssl openssl
if [ "$(uname -s)" = Linux ]; then # what watches system calls, and machines that are network namespaces
  need strace strace
  need ip iproute2
fi
[ -z "$missing" ] && exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing"
  if $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
    exit 0
  fi
  echo "could not install$missing" >&2
  echo "hint: apt-get install$missing" >&2
else
  echo "missing:$missing" >&2
  echo "hint: on macOS: brew install age mosquitto node" >&2
fi
exit 0
