# Stands for a cluster: what was asked of it is noted in $TRACE, and its job is done at the third poll.
note() { echo "$1" >> "$TRACE"; }
case "$1" in
  submit)
    note submit
    echo "$MLCC_REMOTE_KEY" >> "$TRACE.keys"
    echo "job-$(grep -c '^submit$' "$TRACE")" > "$MLCC_HANDLE_FILE"
    ;;
  poll)
    note "poll $MLCC_HANDLE"
    if [ "$(grep -c "^poll $MLCC_HANDLE\$" "$TRACE")" = 2 ]; then
      case "$MODE" in
        fail) exit 1 ;;
        kill) kill -9 "$PPID" ;;
        kill-once) [ -e "$TRACE.killed" ] || { touch "$TRACE.killed"; kill -9 "$PPID"; } ;;
        stop) kill -TERM "$PPID"; sleep 60 ;;
      esac
    fi
    case "$MODE" in never) exit 75 ;; hang) sleep 300 ;; esac
    [ "$(grep -c "^poll $MLCC_HANDLE\$" "$TRACE")" -ge 3 ] || exit 75
    ;;
  cancel) note "cancel $MLCC_HANDLE" ;;
  collect)
    note "collect $MLCC_HANDLE"
    mkdir -p build
    echo "{}" > build/model.json
    ;;
esac
