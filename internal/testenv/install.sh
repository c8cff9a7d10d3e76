#!/bin/sh
# Installs what the tests need and the machine lacks, through the system's
# package manager, and says so: a C compiler for the race detector, Redis, and
# Postgres. Safe to run again.
set -eu

have_postgres() { command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

missing=""
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
have_postgres || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
	sudo="sudo"
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need:$missing. Install them with your package manager and run again." >&2
	exit 1
fi
echo "Installing what the tests need:$missing"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
