#!/bin/sh
# Makes the namespace and the search attributes of Bulkhead. Waits for the server, for two minutes at most.
set -eu
tries=0
until temporal operator cluster health >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo "Temporal does not answer at $TEMPORAL_ADDRESS" >&2; exit 1; }
  sleep 1
done
temporal operator namespace describe -n default >/dev/null 2>&1 || temporal operator namespace create -n default --retention 30d
for attribute in VnfId=Keyword Pool=Keyword Phase=Keyword Outcome=Keyword Host=KeywordList; do
  temporal operator search-attribute create --name "${attribute%%=*}" --type "${attribute#*=}" || true
done
