# Sourced by scripts/lab: Heat, which nothing but the benchmark next to it needs.
# shellcheck shell=bash

# Beside the lab's own software, so that a lab without it is no bigger, and nothing else changes when it comes.
heat_venv=$LAB_HOME/venv-heat
heat_packages="openstack-heat pymysql pymemcache python-memcached pyuwsgi"
heat_constraints=$parts/heat-constraints.txt
heat_processes="heat-engine heat-api"

start_heat() {
  alive keystone && alive nova-api || die "Heat stands on a lab that is up: scripts/lab up --heat"
  local began=$SECONDS
  install_heat
  configure_heat
  if [ ! -e "$LAB_HOME/.heat" ]; then
    say "creating Heat's database, its user and its entry in the catalog"
    sql -e "CREATE DATABASE IF NOT EXISTS heat CHARACTER SET utf8mb3;"
    "$heat_venv/bin/heat-manage" --config-file "$etc/heat/heat.conf" db_sync >"$log/migrate-heat.log" 2>&1 ||
      die "Heat's database could not be made; see $log/migrate-heat.log"
    populate heat
    touch "$LAB_HOME/.heat"
  fi
  local name said=0
  if alive heat-engine; then said= ; else said=$(stat -c %s "$log/heat-engine.log" 2>/dev/null || echo 0); fi
  for name in $heat_processes; do start_one "$name"; done
  wait_for 90 heat-api answers $heat_port
  [ -z "$said" ] || wait_for 90 heat-engine heat_engine_works "$said"
  say "Heat is up after $((SECONDS - began)) s"
}

stop_heat() { local name; for name in $heat_processes; do halt "$name"; done; }

install_heat() {
  local wanted
  wanted=$(cat "$constraints" "$heat_constraints")
  [ "$(cat "$heat_venv/.complete" 2>/dev/null)" = "$wanted" ] && return 0
  local python
  python=$(find_python) || die "no Python 3.11 to 3.13 with venv was found; LAB_PYTHON may name one"
  say "installing Heat from PyPI with $python"
  rm -rf "$heat_venv"
  {
    "$python" -m venv "$heat_venv" &&
      "$heat_venv/bin/pip" install -q uv &&
      # shellcheck disable=SC2086
      "$heat_venv/bin/uv" pip install -q --python "$heat_venv/bin/python" \
        -c "$constraints" -c "$heat_constraints" $heat_packages
  } >"$log/pip-heat.log" 2>&1 || { tail -20 "$log/pip-heat.log" >&2; die "Heat could not be installed from PyPI"; }
  printf '%s\n' "$wanted" >"$heat_venv/.complete"
}

configure_heat() {
  mkdir -p "$etc/heat"
  cp "$heat_venv/etc/heat/api-paste.ini" "$etc/heat/"
  cat >"$etc/heat/heat.conf" <<END
[DEFAULT]
$(messaging heat)
region_name_for_services = $region
environment_dir = $heat_venv/etc/heat/environment.d
template_dir = $heat_venv/etc/heat/templates
[paste_deploy]
api_paste_config = $etc/heat/api-paste.ini
[database]
connection = $(db heat)
[clients_keystone]
auth_uri = http://127.0.0.1:$keystone_port
[trustee]
$(credentials heat | grep -v -e project_ -e region_name)
$(rabbit_tuning)
$(authtoken heat)
END
}

# It serves no HTTP: it says that its workers have begun, after the bytes that it had said before.
heat_engine_works() { tail -c "+$(($1 + 1))" "$log/heat-engine.log" | grep 'Starting engine_worker' >/dev/null; }
