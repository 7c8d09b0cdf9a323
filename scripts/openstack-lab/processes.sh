# Sourced by scripts/lab: starting and stopping processes by their recorded pid.
# shellcheck shell=bash

# Each process leads its own process group, whose number is its pid, so that a service's workers stop with it. Beside
# the pid its start is recorded: after a reboot the same number is another program's.

started_at() { # PID
  # After the name, which may have spaces and is in parentheses, the start is the 20th field.
  [ -r "/proc/$1/stat" ] && sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{print $20}'
}

pid_of() { cut -d ' ' -f 1 "$run/$1.pid" 2>/dev/null; }

alive() { # NAME
  local pid start
  read -r pid start 2>/dev/null <"$run/$1.pid" || return 1
  [ "$(started_at "$pid")" = "$start" ] && [ "$(ps -o stat= -p "$pid" | cut -c 1)" != Z ]
}

# Where its leader is gone, the group may still be there; its number is then nobody else's.
ours() { # NAME
  local pid
  pid=$(pid_of "$1")
  [ -n "$pid" ] && { alive "$1" || { [ ! -e "/proc/$pid" ] && kill -0 -- "-$pid" 2>/dev/null; }; }
}

launch() { # NAME COMMAND...
  local name=$1
  shift
  alive "$name" && return 0
  # Nothing of whoever called this stays open in it: a lock, for one, would be held for as long as the lab runs.
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done
    exec setsid "$@"
  ) </dev/null >>"$log/$name.log" 2>&1 &
  echo "$! $(started_at $!)" >"$run/$name.pid"
  disown
}

halt() { # NAME [SIGNAL] [TENTHS OF A SECOND TO WAIT BEFORE KILLING]
  local name=$1 signal=${2:-TERM} pid i
  if ours "$name"; then
    pid=$(pid_of "$name")
    kill "-$signal" -- "-$pid" 2>/dev/null || true
    for i in $(seq "${3:-30}"); do
      kill -0 -- "-$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$run/$name.pid"
}

recorded() {
  local file
  for file in "$run"/*.pid; do
    [ -e "$file" ] || continue
    basename "$file" .pid
  done
}

running() { local name; for name in $(recorded); do if alive "$name"; then echo "$name"; fi; done | sort; }

wait_for() { # SECONDS NAME COMMAND...
  local limit=$1 what=$2 end
  shift 2
  end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    alive "$what" || die "$what died; see $log/$what.log"
    [ $SECONDS -lt $end ] || die "$what did not come up in $limit s; see $log/$what.log"
    sleep 0.2
  done
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
answers() { # PORT
  local code
  code=$(curl -s -o /dev/null -m 20 -w '%{http_code}' "http://127.0.0.1:$1/") && [ "$code" -lt 500 ]
}

# Proportional set size, summed over the process group.
memory_mib() { # NAME
  local pid
  for pid in $(pgrep -g "$(pid_of "$1")"); do
    awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup" 2>/dev/null || true
  done | awk '{kib += $1} END {print int(kib / 1024)}'
}

# Two of them at once would start everything twice.
one_at_a_time() {
  mkdir -p "$LAB_HOME"
  exec 9>"$LAB_HOME/lock"
  flock -w 10 9 || die "another lab command is at work in $LAB_HOME"
}
