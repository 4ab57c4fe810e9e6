# Stands for a cluster that trains: `serve` runs what is submitted to the folder $CLUSTER, which it shares with the runners.
set -euo pipefail
case "$1" in
  serve)
    cd "$CLUSTER"
    while :; do
      for job in mlcc-*/submitted; do
        [ -e "$job" ] || continue
        rm "$job"
        (cd "${job%/*}" && . ./variables && code=0 && "$PYTHON" -m flights.train > log 2>&1 || code=$?; echo "$code" > ended)
      done
      sleep 0.5
    done
    ;;
  submit)
    job="$CLUSTER/$MLCC_REMOTE_KEY"
    mkdir "$job" "$job/build"
    cp -r src "$job"
    cp "$ARTIFACT_FEATURES" "$job/build/"
    export -p | grep -E ' (DIGEST_|LEARNING_RATE)' > "$job/variables"
    touch "$job/submitted"
    echo "$MLCC_REMOTE_KEY" > "$MLCC_HANDLE_FILE"
    ;;
  poll)
    if ! [ -e "$CLUSTER/killed" ]; then # the runner is lost, once
      touch "$CLUSTER/killed"
      kill -9 "$PPID"
    fi
    [ -e "$CLUSTER/$MLCC_HANDLE/ended" ] || exit 75
    [ "$(cat "$CLUSTER/$MLCC_HANDLE/ended")" = 0 ]
    ;;
  cancel) touch "$CLUSTER/cancelled" ;;
  collect) cp -r "$CLUSTER/$MLCC_HANDLE/build/model/." "$ARTIFACT_MODEL" ;;
esac
