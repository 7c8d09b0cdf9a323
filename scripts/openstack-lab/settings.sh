# Sourced by scripts/lab: what `up` is told, and what it was told before.
# shellcheck shell=bash

# A nova-compute takes about this much, and everything else together with what the machine needs about that.
host_mib=140
base_mib=3000
settings="LAB_MZ LAB_DMZ LAB_HOST_VCPUS LAB_HOST_MEMORY_MB LAB_HOST_DISK_GB LAB_SPAWN_SECONDS"

# What the environment says holds, then what `up` was told before, then the default.
remember() {
  local name value
  [ -r "$LAB_HOME/settings" ] || return 0
  while IFS='=' read -r name value; do
    case " $settings " in *" $name "*) [ -n "${!name:-}" ] || printf -v "$name" '%s' "$value" ;; esac
  done <"$LAB_HOME/settings"
}
remember
LAB_HOST_VCPUS=${LAB_HOST_VCPUS:-16}
LAB_HOST_MEMORY_MB=${LAB_HOST_MEMORY_MB:-65536}
LAB_HOST_DISK_GB=${LAB_HOST_DISK_GB:-1000}
LAB_SPAWN_SECONDS=${LAB_SPAWN_SECONDS:-0}

choose_settings() { # the options of `up`
  local name
  with_heat=
  while [ $# -gt 0 ]; do
    case $1 in
    --mz) LAB_MZ=${2:-}; shift ;;
    --dmz) LAB_DMZ=${2:-}; shift ;;
    --heat) with_heat=1 ;;
    *) die "up takes --mz N, --dmz N and --heat, not $1" ;;
    esac
    [ $# -gt 0 ] && shift || die "a number is missing"
  done
  fit_memory
  for name in LAB_MZ LAB_DMZ; do
    [[ ${!name} =~ ^[1-9][0-9]?$ ]] || die "$name is ${!name}: give a number of hosts from 1 to 99"
  done
  for name in $settings; do echo "$name=${!name}"; done >"$LAB_HOME/settings"
}

# The default where nothing was said: 12 and 4, in this proportion fewer where memory is short.
fit_memory() {
  [ -z "${LAB_MZ:-}" ] || [ -z "${LAB_DMZ:-}" ] || return 0
  local available fit
  available=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  fit=$(((available - base_mib) / host_mib))
  if [ $fit -ge 16 ]; then
    LAB_MZ=${LAB_MZ:-12} LAB_DMZ=${LAB_DMZ:-4}
    return 0
  fi
  [ $fit -ge 2 ] || die "$available MiB of memory are available: too few for two hosts, which need $((base_mib + 2 * host_mib))"
  local dmz=$(((fit + 3) / 4))
  LAB_DMZ=${LAB_DMZ:-$dmz}
  LAB_MZ=${LAB_MZ:-$((fit - dmz))}
  say "memory for $fit hosts instead of 16: Clearwater needs 4 in mz and 3 in dmz, and one more of each to heal"
}

hosts_of() { # ZONE
  case $1 in
  mz) seq -f 'cmp-%02g' 1 "${LAB_MZ:-0}" ;;
  dmz) seq -f 'dmz-%02g' 1 "${LAB_DMZ:-0}" ;;
  esac
}
hosts() { hosts_of mz; hosts_of dmz; }
