#!/bin/sh
# What serves the model on one host, all of it below ROOT and on 127.0.0.1:
#   serving.sh up | down              nginx, Prometheus, and what counts requests
#   serving.sh start | stop | reload  what mlcc's adapter calls, with MLCC_RELEASE, MLCC_PORT and MLCC_FOLDER
set -eu
ROOT=/srv/flights COUNTERS=8405 PROMETHEUS=8406
PATH=$PATH:/usr/sbin
cd "$(dirname "$0")"

# Start a program that outlives the job: in a session of its own, and without the variables by which CI systems find what a
# job has left behind. NAME.pid holds its process, NAME.log what it says.
detached() {
  name=$1
  shift
  env -i PATH="$PATH" setsid "$@" >"$name.log" 2>&1 </dev/null &
  echo $! >"$name.pid"
}

# Tell whether a process is one of ours: the id of one that has ended may be somebody else's by now.
ours() {
  grep -aqs "$ROOT" "/proc/$1/cmdline"
}

# End the program of NAME.pid, and wait until it has ended.
ended() {
  pid=$(cat "$1.pid" 2>/dev/null) || return 0
  if ours "$pid"; then kill "$pid"; fi
  while ours "$pid"; do sleep 0.1; done
  rm -f "$1.pid"
}

run_nginx() {
  env -u NGINX nginx -p "$ROOT" -c "$ROOT/nginx.conf" -e "$ROOT/error.log" "$@"
}

case ${1-} in
up)
  { command -v nginx && command -v prometheus; } >/dev/null || {
    echo "nginx and Prometheus are needed: apt-get install nginx-light prometheus" >&2
    exit 1
  }
  mkdir -p "$ROOT/mlcc"
  cp nginx.conf prometheus.yml counters.py "$ROOT"
  if ! [ -e "$ROOT/venv/complete" ]; then
    python3 -m venv "$ROOT/venv"
    "$ROOT/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
    touch "$ROOT/venv/complete"
  fi
  # nginx refuses a variable that isn't there, and before the first release nothing makes it.
  if ! [ -e "$ROOT/mlcc/split.conf" ]; then echo 'map "" $mlcc_flights { default nobody; }' >"$ROOT/mlcc/before.conf"; fi
  run_nginx
  rm -f "$ROOT/mlcc/before.conf"
  detached "$ROOT/counters" python3 "$ROOT/counters.py" "$ROOT/access.log" "$COUNTERS"
  detached "$ROOT/prometheus" prometheus --config.file="$ROOT/prometheus.yml" --storage.tsdb.path="$ROOT/prometheus" \
    --web.listen-address="127.0.0.1:$PROMETHEUS"
  ;;
down)
  for found in "$ROOT"/mlcc/releases/*/server.pid "$ROOT"/*.pid; do ended "${found%.pid}"; done
  ;;
start)
  # What was live before is started again from its folder, when the artifacts of its run are long gone.
  [ -e "$MLCC_FOLDER/server.py" ] || cp -r "$ARTIFACT_MODEL" server.py "$MLCC_FOLDER"
  detached "$MLCC_FOLDER/server" "$ROOT/venv/bin/python" "$MLCC_FOLDER/server.py" "$MLCC_FOLDER/model" "$MLCC_PORT"
  ;;
stop)
  ended "$MLCC_FOLDER/server"
  ;;
reload)
  run_nginx -t -q
  run_nginx -s reload
  ;;
*)
  echo "usage: serving.sh up | down | start | stop | reload" >&2
  exit 2
  ;;
esac
