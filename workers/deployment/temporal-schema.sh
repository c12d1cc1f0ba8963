#!/bin/sh
# Temporal's tables: made where they are missing, brought to the version of the tool where they are older.
# Runs before each start of the server. The tool reads SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN.
set -eu
for each in temporal:temporal temporal_visibility:visibility; do
  database="${each%%:*}"
  # Says "already exists" with an error where the tables are there.
  temporal-sql-tool --database "$database" setup-schema --version 0.0 || echo "$database has its tables already"
  temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/${each##*:}"
done
