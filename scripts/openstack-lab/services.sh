# Sourced by scripts/lab: how each process is started.
# shellcheck shell=bash

services="memcached epmd rabbitmq mariadb keystone placement nova-conductor nova-api nova-scheduler neutron glance"
wanted() { printf '%s\n' $services; hosts; }

wsgi() { # NAME PORT MODULE [PROCESSES [OPTIONS]]
  # uWSGI needs no configuration file: a thread a request.
  launch "$1" "$venv/bin/pyuwsgi" --http-socket "127.0.0.1:$2" --module "$3:application" \
    --master --processes "${4:-1}" --threads 8 --enable-threads --lazy-apps --need-app \
    --thunder-lock --die-on-term --buffer-size 65535 --http-chunked-input \
    --add-header 'Connection: close' --post-buffering 65535 \
    --listen 100 --disable-logging --procname-prefix "$1 " "${@:5}"
}

start_one() { # NAME
  local name=$1
  # Read by logging.conf: where this process writes its notifications.
  local -x LAB_NOTIFICATIONS=$notifications/$name.jsonl
  case $name in
  mariadb)
    if [ ! -d "$LAB_HOME/mysql/mysql" ]; then
      mkdir -p "$LAB_HOME/mysql"
      mariadb-install-db --no-defaults --user=root --datadir="$LAB_HOME/mysql" \
        --auth-root-authentication-method=normal --skip-test-db >>"$log/mariadb.log" 2>&1
    fi
    # Durability is given up for speed: this is a lab.
    launch mariadb mariadbd --no-defaults --user=root --datadir="$LAB_HOME/mysql" \
      --socket="$run/mariadb.sock" --pid-file="$run/mariadbd.own-pid" \
      --bind-address=127.0.0.1 --port=$mysql_port --max-connections=2000 \
      --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=256M --skip-log-bin \
      --sync-binlog=0 --innodb-doublewrite=0 --skip-name-resolve
    ;;
  memcached)
    launch memcached memcached -u nobody -l 127.0.0.1 -p $memcached_port -U 0 -m 64
    ;;
  epmd)
    # Erlang's name server, started here so that it too is ours to stop.
    launch epmd epmd -address 127.0.0.1 -port $epmd_port
    ;;
  rabbitmq)
    start_one epmd
    mkdir -p "$LAB_HOME/rabbitmq"
    launch rabbitmq env HOME="$LAB_HOME/rabbitmq" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd_port \
      RABBITMQ_NODENAME=lab@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$rabbit_port \
      RABBITMQ_DIST_PORT=$rabbit_dist_port RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE=/nonexistent \
      RABBITMQ_MNESIA_BASE="$LAB_HOME/rabbitmq" RABBITMQ_LOG_BASE="$log" RABBITMQ_LOGS=- \
      RABBITMQ_ENABLED_PLUGINS_FILE=/dev/null RABBITMQ_MAX_NUMBER_OF_PROCESSES=65536 \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2' \
      sh -c 'exec "$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server | head -1)"'
    ;;
  keystone) OS_KEYSTONE_CONFIG_FILES=$etc/keystone/keystone.conf wsgi keystone $keystone_port keystone.wsgi.api ;;
  placement) OS_PLACEMENT_CONFIG_DIR=$etc/placement wsgi placement $placement_port placement.wsgi.api ;;
  glance) OS_GLANCE_CONFIG_DIR=$etc/glance wsgi glance $glance_port glance.wsgi.api ;;
  neutron)
    OS_NEUTRON_CONFIG_FILES=$etc/neutron/neutron.conf OS_NEUTRON_CONFIG_DIR=/ \
      wsgi neutron $neutron_port neutron.wsgi.api
    ;;
  nova-api)
    OS_NOVA_CONFIG_DIR=$etc/nova OS_NOVA_CONFIG_FILES='api-paste.ini;nova.conf;nova-db.conf' \
      wsgi nova-api $nova_port nova.wsgi.osapi_compute 2
    ;;
  nova-conductor | nova-scheduler)
    launch "$name" "$venv/bin/$name" \
      --config-file "$etc/nova/nova.conf" --config-file "$etc/nova/nova-db.conf"
    ;;
  heat-api)
    local venv=$heat_venv
    wsgi heat-api $heat_port heat.wsgi.api 1 --pyargv "--config-file $etc/heat/heat.conf"
    ;;
  heat-engine) launch heat-engine "$heat_venv/bin/heat-engine" --config-file "$etc/heat/heat.conf" ;;
  cmp-* | dmz-*)
    LAB_HOST_VCPUS=$LAB_HOST_VCPUS LAB_HOST_MEMORY_MB=$LAB_HOST_MEMORY_MB \
      LAB_HOST_DISK_GB=$LAB_HOST_DISK_GB LAB_SPAWN_SECONDS=$LAB_SPAWN_SECONDS \
      launch "$name" "$venv/bin/nova-compute" --config-file "$etc/nova/nova.conf" --config-file "$etc/nova/$name.conf"
    ;;
  esac
}
