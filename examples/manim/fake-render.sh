#!/usr/bin/env bash
# Leaves behind what `manim -ql lesson.py -a` leaves, drawn with ffmpeg: finished scenes, their parts, a still, the source.
set -euo pipefail
out=${1:?usage: fake-render.sh FOLDER}
videos=$out/videos/lesson/480p15
mkdir -p "$videos" "$out/images/lesson"
colour=(navy darkgreen)
number=0
for scene in Intro Proof; do
  parts=$videos/partial_movie_files/$scene
  mkdir -p "$parts"
  for part in 0 1; do
    ffmpeg -hide_banner -loglevel error -nostdin -y -f lavfi -i "color=c=${colour[$number]}:s=854x480:r=15:d=1" \
      -pix_fmt yuv420p -fflags +bitexact "$parts/uncached_0000$part.mp4"
    echo "file 'uncached_0000$part.mp4'" >> "$parts/partial_movie_file_list.txt"
  done
  ffmpeg -hide_banner -loglevel error -nostdin -y -f concat -i "$parts/partial_movie_file_list.txt" -c copy \
    -fflags +bitexact "$videos/$scene.mp4"
  printf '1\n00:00:00,000 --> 00:00:01,500\n%s\n' "$scene" > "$videos/$scene.srt"
  number=$((number + 1))
done
ffmpeg -hide_banner -loglevel error -nostdin -y -i "$videos/Proof.mp4" -frames:v 1 "$out/images/lesson/Proof.png"
