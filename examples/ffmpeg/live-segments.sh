#!/usr/bin/env bash
# Uploads an encode while it runs: ffmpeg names each segment when it is complete, and that one goes up at once.
# Say REELSYNC="npx --no-install reelsync" where the program is not on the PATH.
set -euo pipefail
read -ra reelsync <<< "${REELSYNC:-reelsync}"
input=${1:?usage: live-segments.sh INPUT [SECONDS]}
seconds=${2:-4}
# Another film is another session.
key=${SESSION_KEY:-ffmpeg-$(basename "${input%.*}")}
segments=$(mktemp -d)
trap 'rm -rf "$segments"' EXIT

session=$("${reelsync[@]}" session create --project examples --title "From ffmpeg" --key "$key")
scene=$("${reelsync[@]}" scene upsert --session "$session" --key live --index 0 --title "Live" --status rendering)

# A key frame at each cut, so that every segment begins with a picture. A scene holds 100 chunks.
ffmpeg -hide_banner -loglevel error -nostdin -i "$input" \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -force_key_frames "expr:gte(t,n_forced*$seconds)" -c:a aac \
  -f segment -segment_time "$seconds" -reset_timestamps 1 \
  -segment_format mp4 -segment_format_options movflags=+faststart \
  -segment_list pipe:1 -segment_list_type csv "$segments/chunk-%03d.mp4" |
  while IFS=, read -r name start end; do
    number=${name#chunk-}
    number=${number%.mp4}
    "${reelsync[@]}" upload "$segments/$name" --scene "$scene" --type video_chunk --chunk "$((10#$number))" \
      --duration-ms "$(awk "BEGIN { printf \"%d\", ($end - $start) * 1000 + 0.5 }")"
    rm "$segments/$name"
  done

"${reelsync[@]}" session end "$session"
"${reelsync[@]}" status "$session"
