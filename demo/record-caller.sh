#!/usr/bin/env bash
# Makes the caller's recordings of a script: flite's voice rms, telephone band, a little line noise, 8 kHz G.711 µ-law.
# demo/record-caller.sh demo/clinic.json   (needs flite, sox and jq; the results are committed)
set -euo pipefail
script=$1 dir=$(dirname "$1")
jq -r '.script[] | select(.audio) | [.audio, .say] | @tsv' "$script" | while IFS=$'\t' read -r file text; do
  raw=$(mktemp --suffix=.wav)
  flite -voice rms -t "$text" -o "$raw"
  seconds=$(soxi -D "$raw")
  sox -m -v 0.8 "$raw" <(sox -n -r 16000 -c 1 -p synth "$seconds" pinknoise vol 0.012) -r 8000 -e u-law -t wav "$dir/$file" rate 8000 highpass 300 lowpass 3400
  rm -f "$raw"
done
