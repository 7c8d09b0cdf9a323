# Sourced by scripts/lab: what is made once, at the first start.
# shellcheck shell=bash

sql() { mariadb --no-defaults -uroot -S "$run/mariadb.sock" "$@"; }

create_databases() {
  local name
  sql -e "CREATE USER IF NOT EXISTS lab@'127.0.0.1' IDENTIFIED BY '$password'; GRANT ALL ON *.* TO lab@'127.0.0.1';"
  for name in keystone placement glance neutron nova nova_api nova_cell0; do
    sql -e "CREATE DATABASE IF NOT EXISTS $name CHARACTER SET utf8mb3;"
  done
}

# Chains of commands, run side by side.
migrate_databases() {
  export OS_NOVA_DISABLE_EVENTLET_PATCHING=1
  local nova="$venv/bin/nova-manage --config-file $etc/nova/nova.conf --config-file $etc/nova/nova-db.conf"
  local keystone="$venv/bin/keystone-manage --config-file $etc/keystone/keystone.conf"
  local url=http://127.0.0.1:$keystone_port/v3 pids=() pid
  mkdir -p "$etc/keystone/fernet-keys" "$etc/keystone/credential-keys"
  (
    $keystone db_sync && $keystone fernet_setup --keystone-user root --keystone-group root &&
      $keystone credential_setup --keystone-user root --keystone-group root &&
      $keystone bootstrap --bootstrap-password $password --bootstrap-region-id $region \
        --bootstrap-public-url $url --bootstrap-internal-url $url --bootstrap-admin-url $url
  ) >"$log/migrate-keystone.log" 2>&1 &
  pids+=($!)
  (
    # create_cell answers 2 for a cell that exists.
    $nova api_db sync && $nova cell_v2 map_cell0 --database_connection "$(db nova_cell0)" && $nova db sync &&
      { $nova cell_v2 create_cell --name cell1 || [ $? = 2 ]; }
  ) >"$log/migrate-nova.log" 2>&1 &
  pids+=($!)
  (
    "$venv/bin/placement-manage" --config-file "$etc/placement/placement.conf" db sync &&
      "$venv/bin/glance-manage" --config-file "$etc/glance/glance-api.conf" db_sync
  ) >"$log/migrate-small.log" 2>&1 &
  pids+=($!)
  "$venv/bin/neutron-db-manage" --config-file "$etc/neutron/neutron.conf" upgrade heads \
    >"$log/migrate-neutron.log" 2>&1 &
  pids+=($!)
  for pid in "${pids[@]}"; do wait "$pid" || die "a database migration failed; see $log/migrate-*.log"; done
}

# Users and catalog, or everything else. Each is made only if it is missing.
populate() { # identity | cloud | heat
  "$venv/bin/python" "$parts/populate.py" "$1" --password $password --region $region \
    --keystone $keystone_port --placement $placement_port --glance $glance_port --neutron $neutron_port --nova $nova_port --heat $heat_port \
    --mz "$(hosts_of mz | paste -sd ,)" --dmz "$(hosts_of dmz | paste -sd ,)"
}
