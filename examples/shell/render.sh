#!/usr/bin/env bash
# One scene for each file, from a shell. SESSION_KEY names the run: the same key goes on with the same session. Unless set
# it follows from the files' names, as a session that has ended takes no new scene: other files are another run.
# Say REELSYNC="npx --no-install reelsync" where the program is not on the PATH.
set -euo pipefail
read -ra reelsync <<< "${REELSYNC:-reelsync}"
key=${SESSION_KEY:-shell-$(printf '%s\n' "$@" | cksum | cut -d ' ' -f 1)}

session=$("${reelsync[@]}" session create --project examples --title "From a shell" --key "$key")
index=0
for file in "$@"; do
  name=$(basename "${file%.*}")
  scene=$("${reelsync[@]}" scene upsert --session "$session" --key "$name" --index "$index" --title "$name")
  # --queue: while S3 is down the file waits on this machine, and `reelsync drain` or the next upload sends it.
  if ! "${reelsync[@]}" upload "$file" --queue --scene "$scene" --type video_chunk --meta renderer=examples/shell; then
    # Kept as a dead letter if it can still be sent: reelsync dead-letters list
    "${reelsync[@]}" session end "$session" --failed --message "$file could not be uploaded"
    exit 1
  fi
  index=$((index + 1))
done
"${reelsync[@]}" session end "$session"
"${reelsync[@]}" status "$session"
