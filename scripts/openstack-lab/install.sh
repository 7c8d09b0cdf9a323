# Sourced by scripts/lab: what comes from Debian and from PyPI.
# shellcheck shell=bash

debian_packages="rabbitmq-server mariadb-server memcached curl procps python3 python3-venv"
python_packages="nova keystone openstack-placement neutron glance python-openstackclient
  osc-placement pymysql pymemcache python-memcached pyuwsgi"
constraints=$parts/constraints.txt

need_root() { [ "$(id -u)" = 0 ] || die "the lab runs as root only: MariaDB, RabbitMQ and Debian's packages need it"; }

need_debian() {
  local name=unknown
  [ ! -r /etc/os-release ] || name=$(. /etc/os-release && echo "${PRETTY_NAME:-$ID}")
  { [ -e /etc/debian_version ] && command -v apt-get >/dev/null; } ||
    die "the lab needs Debian 12, for its packages $debian_packages; this is $name"
}

install_software() {
  install_debian &
  local debian=$!
  # The system's Python may only come with the Debian packages.
  find_python >/dev/null || wait $debian || exit 1
  install_python
  wait $debian || exit 1
}

install_debian() {
  local want="" package
  for package in $debian_packages; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || want="$want $package"
  done
  [ -n "$want" ] || return 0
  say "installing from Debian:$want"
  # Keep the packages from starting their own daemons.
  local policy=/usr/sbin/policy-rc.d mine=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    mine=1
  fi
  local apt="apt-get -o DPkg::Lock::Timeout=300 -qq" failed=
  # shellcheck disable=SC2086
  { $apt update && DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends $want; } \
    >"$log/apt.log" 2>&1 || failed=1
  [ -z "$mine" ] || rm -f $policy
  [ -z "$failed" ] || { tail -20 "$log/apt.log" >&2; die "apt-get could not install$want"; }
}

find_python() {
  local python
  for python in ${LAB_PYTHON:-python3 /usr/bin/python3 python3.12 python3.13}; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      "$python" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

install_python() {
  [ -e "$venv/.complete" ] && cmp -s "$venv/.complete" "$constraints" && return 0
  local python
  python=$(find_python) || die "no Python 3.11 to 3.13 with venv was found; LAB_PYTHON may name one"
  say "installing OpenStack from PyPI with $python"
  rm -rf "$venv"
  {
    # uv installs the same packages as pip, several times as fast.
    "$python" -m venv "$venv" &&
      "$venv/bin/pip" install -q uv &&
      # shellcheck disable=SC2086
      "$venv/bin/uv" pip install -q --python "$venv/bin/python" -c "$constraints" $python_packages
  } >"$log/pip.log" 2>&1 || { tail -20 "$log/pip.log" >&2; die "OpenStack could not be installed from PyPI"; }
  cp "$constraints" "$venv/.complete"
}
