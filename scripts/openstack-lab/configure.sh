# Sourced by scripts/lab: the configuration of every service.
# shellcheck shell=bash

db() { echo "mysql+pymysql://lab:$password@127.0.0.1:$mysql_port/$1?charset=utf8mb3"; }

authtoken() { # SERVICE-USER
  cat <<END
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:$keystone_port/v3
memcached_servers = 127.0.0.1:$memcached_port
service_token_roles = service
service_token_roles_required = true
$(credentials "$1")
END
}

credentials() { # SERVICE-USER
  cat <<END
auth_type = password
auth_url = http://127.0.0.1:$keystone_port/v3
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $region
END
}

messaging() {
  cat <<END
transport_url = rabbit://guest:guest@127.0.0.1:$rabbit_port/
rpc_response_timeout = 30
control_exchange = $1
log_config_append = $etc/logging.conf
END
}

rabbit_tuning() {
  cat <<END
[oslo_messaging_rabbit]
rabbit_retry_interval = 1
rabbit_retry_backoff = 1
rabbit_interval_max = 3
kombu_reconnect_delay = 0.5
heartbeat_timeout_threshold = 30
[oslo_messaging_notifications]
driver = log
END
}

configure() {
  local site name
  site=$("$venv/bin/python" -c 'import nova, os; print(os.path.dirname(os.path.dirname(nova.__file__)))')
  mkdir -p "$etc"/{keystone,placement,glance,neutron,nova} "$LAB_HOME"/{images,plugins,computes}

  cat >"$etc/keystone/keystone.conf" <<END
[DEFAULT]
log_file =
[database]
connection = $(db keystone)
[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = 127.0.0.1:$memcached_port
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = $etc/keystone/fernet-keys
[credential]
key_repository = $etc/keystone/credential-keys
END

  cat >"$etc/placement/placement.conf" <<END
[placement_database]
connection = $(db placement)
[api]
auth_strategy = keystone
[oslo_policy]
policy_file = $etc/placement/policy.yaml
$(authtoken placement)
END
  # Roles that may do just what Bulkhead needs, as an operator of a cloud would add them.
  cp "$here/../policies/placement.yaml" "$etc/placement/policy.yaml"

  cp "$venv/etc/glance/glance-api-paste.ini" "$etc/glance/"
  cat >"$etc/glance/glance-api.conf" <<END
[DEFAULT]
enabled_backends = files:file
node_staging_uri = file://$LAB_HOME/images/staging
[database]
connection = $(db glance)
[paste_deploy]
flavor = keystone
config_file = $etc/glance/glance-api-paste.ini
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = $LAB_HOME/images
[os_glance_staging_store]
filesystem_store_datadir = $LAB_HOME/images/staging
[os_glance_tasks_store]
filesystem_store_datadir = $LAB_HOME/images/tasks
$(authtoken glance)
END

  cat >"$etc/neutron/neutron.conf" <<END
[DEFAULT]
$(messaging neutron)
core_plugin = ml2
service_plugins =
auth_strategy = keystone
api_paste_config = $venv/etc/neutron/api-paste.ini
state_path = $LAB_HOME/neutron
dhcp_agent_notification = false
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
[database]
connection = $(db neutron)
[oslo_concurrency]
lock_path = $LAB_HOME/neutron/lock
[nova]
$(credentials neutron)
[placement]
$(credentials neutron)
[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = openstack_lab
extension_drivers = port_security
[ml2_type_vxlan]
vni_ranges = 1:1000
[ml2_type_flat]
flat_networks = *
[quotas]
quota_port = -1
quota_network = 100
quota_subnet = 100
quota_security_group = 100
quota_security_group_rule = 1000
$(rabbit_tuning)
$(authtoken neutron)
END

  cp "$venv/etc/nova/api-paste.ini" "$etc/nova/"
  cat >"$etc/nova/nova.conf" <<END
[DEFAULT]
$(messaging nova)
my_ip = 127.0.0.1
host = controller
state_path = $LAB_HOME/nova
# A dead nova-compute is seen as down after this many seconds.
report_interval = 2
service_down_time = 8
compute_driver = openstack_lab.LabDriver
cpu_allocation_ratio = 1.0
ram_allocation_ratio = 1.0
disk_allocation_ratio = 1.0
reserved_host_memory_mb = 0
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
update_resources_interval = 30
sync_power_state_interval = 60
# The zone of hosts that are in no aggregate, and of servers that ask for none.
default_availability_zone = nova
[api]
auth_strategy = keystone
[notifications]
notification_format = versioned
notify_on_state_change = vm_and_task_state
[oslo_concurrency]
lock_path = $LAB_HOME/nova/lock
[wsgi]
api_paste_config = $etc/nova/api-paste.ini
[oslo_policy]
policy_file = $etc/nova/policy.yaml
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 5
[conductor]
workers = 1
[filter_scheduler]
available_filters = nova.scheduler.filters.all_filters
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,AggregateInstanceExtraSpecsFilter,SameHostFilter,DifferentHostFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter
[compute]
live_migration_wait_for_vif_plug = false
[vnc]
enabled = false
[glance]
region_name = $region
[neutron]
$(credentials nova)
[placement]
$(credentials nova)
[service_user]
send_service_user_token = true
$(credentials nova)
[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = 127.0.0.1:$memcached_port
$(rabbit_tuning)
$(authtoken nova)
END

  cp "$here/../policies/nova.yaml" "$etc/nova/policy.yaml"

  # Apart, because nova-compute must not know the databases.
  cat >"$etc/nova/nova-db.conf" <<END
[api_database]
connection = $(db nova_api)
[database]
connection = $(db nova)
END

  for name in $(hosts); do
    mkdir -p "$LAB_HOME/computes/$name"
    cat >"$etc/nova/$name.conf" <<END
[DEFAULT]
host = $name
state_path = $LAB_HOME/computes/$name
instances_path = $LAB_HOME/computes/$name
[oslo_concurrency]
lock_path = $LAB_HOME/computes/$name/lock
END
  done

  cp "$parts/logging.conf" "$etc/"
  # The hypervisor. Nova only looks for drivers in its own nova.virt package.
  cp "$parts/nova_driver.py" "$site/nova/virt/openstack_lab.py"
  cp "$parts/notifications.py" "$LAB_HOME/plugins/openstack_lab_notifications.py"
  cp "$parts/neutron_driver.py" "$LAB_HOME/plugins/openstack_lab_neutron.py"
  local entry=$LAB_HOME/plugins/openstack_lab_neutron-1.dist-info
  mkdir -p "$entry"
  printf 'Metadata-Version: 2.1\nName: openstack-lab-neutron\nVersion: 1\n' >"$entry/METADATA"
  printf '[neutron.ml2.mechanism_drivers]\nopenstack_lab = openstack_lab_neutron:LabMechanismDriver\n' \
    >"$entry/entry_points.txt"
}

write_clouds_yaml() {
  local entry user project
  (umask 077; : >"$clouds_yaml.new")
  {
    echo "clouds:"
    for entry in lab-operator:operator:bulkhead lab-tenant:tenant:tenant lab-least:least:least; do
      IFS=: read -r entry user project <<<"$entry"
      cat <<END
  $entry:
    auth:
      auth_url: http://127.0.0.1:$keystone_port/v3
      username: $user
      password: $password
      project_name: $project
      user_domain_name: Default
      project_domain_name: Default
    region_name: $region
    interface: public
    identity_api_version: 3
END
    done
  } >"$clouds_yaml.new"
  mv "$clouds_yaml.new" "$clouds_yaml"
}
