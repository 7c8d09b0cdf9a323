#!/bin/sh
# Makes Temporal's two databases and brings their schema up to date. Repeating it does no harm.
set -eu
versions=${SCHEMA_DIRECTORY:-/etc/temporal/schema/postgresql/v12}
# The password is taken from SQL_PASSWORD, which no list of processes shows.
tool="temporal-sql-tool --plugin ${SQL_PLUGIN} --endpoint ${SQL_HOST} --port ${SQL_PORT} --user ${SQL_USER}"
for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  schema=${pair#*:}
  $tool --database "$database" create-database || true
  $tool --database "$database" setup-schema -v 0.0 || true
  $tool --database "$database" update-schema -d "$versions/$schema/versioned"
done
