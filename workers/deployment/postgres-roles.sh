#!/bin/sh
# Two roles that share one PostgreSQL and nothing else: ours and Temporal's, each with databases of its own.
# The postgres image runs this once, when its volume is empty.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set ours="$DATABASE_PASSWORD" --set temporals="$TEMPORAL_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE throughline LOGIN PASSWORD :'ours';
CREATE ROLE temporal LOGIN PASSWORD :'temporals';
CREATE DATABASE throughline OWNER throughline;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE throughline, temporal, temporal_visibility FROM PUBLIC;
SQL
