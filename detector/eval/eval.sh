#!/usr/bin/env bash
# How well the shipped configuration detects: plays the evaluation kit's streams, real shipments with injected
# incidents, and prints the scores as tables.
#
#   eval.sh [--write]      --write puts them between the eval marks of detector/README.md as well
#
# PARCELSENTRY_EVAL       the kit (default ../shared/eval, beside this repository); it needs Python 3
# PARCELSENTRY_TEST_DATA  its shipments (default ../shared/data)
# SEEDS   "1 2 3 4 5"     the incidents of these seeds are pooled
# SETS    "sendy state zip"
# WORK    a new temporary folder, which is kept; streams that are in it already are used again
# BINARY  built from these sources, unless it names another
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kit=${PARCELSENTRY_EVAL:-$root/../shared/eval}
data=${PARCELSENTRY_TEST_DATA:-$root/../shared/data}
read -ra seeds <<<"${SEEDS:-1 2 3 4 5}"
read -ra sets <<<"${SETS:-sendy state zip}"
config=$root/config/parcelsentry.yaml
readme=$root/detector/README.md

die() { echo "eval: $*" >&2; exit 1; }

# source_of SET: sets file and options for inject.py.
source_of() {
  file=$data/shipments_olist.jsonl.gz options=()
  case $1 in
  sendy) file=$data/shipments_sendy.jsonl.gz ;;
  state) options=(--places '..$') ;;
  zip) ;;
  *) die "SETS knows sendy, state and zip, not $1" ;;
  esac
}

# inject SET VARIANT DIR SEED makes a stream, unless it is there.
inject() {
  local file options
  source_of "$1"
  case $2 in
  lines) options+=(--lines 0.3) ;;
  clean) options+=(--budget 0) ;;
  esac
  [ -s "$3/meta.json" ] || # written last
    python3 "$kit/inject.py" "$file" --seed "$4" --out "$3" "${options[@]}" >/dev/null
  # score.py divides by the number of kinds; an incident without parcels and keys changes no false rate.
  local never=2000-01-01T00:00:00Z
  [ -s "$3/incidents.jsonl" ] ||
    echo '{"kind":"burst","size":0,"keys":{},"start":"'$never'","end":"'$never'","event_ids":[]}' >"$3/incidents.jsonl"
}

# play SET VARIANT SEED: one stream through the service, and through the references.
play() {
  local dir=$work/$1-$2/$3
  echo "eval: $1 $2, seed $3" >&2
  inject "$1" "$2" "$dir" "$3"
  rm -f "$dir"/{scores,reference}.csv "$dir/alerts.jsonl"
  "$binary" replay --config "$config" --input "$dir/events.jsonl" --scores "$dir/scores.csv" \
    --alerts "$dir/alerts.jsonl" 2>"$dir/replay.log" || { cat "$dir/replay.log" >&2; return 1; }
  [ "$2" != plain ] || python3 "$kit/detectors.py" "$dir/events.jsonl" --out "$dir/reference.csv"
}

# score SET VARIANT: ours.json, and for plain streams ours.txt (only there stand the delays) and reference.json.
score() {
  local dir=$work/$1-$2 seed dirs=() what=(--scores scores.csv --alerts alerts.jsonl)
  for seed in "${seeds[@]}"; do dirs+=("$dir/$seed"); done
  [ "$2" != clean ] || what=(--alerts alerts.jsonl)
  python3 "$kit/score.py" "${dirs[@]}" "${what[@]}" --json "$dir/ours.json" >"$dir/ours.txt"
  [ "$2" != plain ] ||
    python3 "$kit/score.py" "${dirs[@]}" --scores reference.csv --json "$dir/reference.json" >/dev/null
}

# The script calls itself for each stream, so that two run at a time.
if [ "${1-}" = play ] || [ "${1-}" = score ]; then
  binary=$BINARY work=$WORK
  "$@"
  exit
fi

write=()
case ${1-} in
'') ;;
--write) write=(-write "$readme") ;;
*) die "usage: eval.sh [--write]" ;;
esac

command -v python3 >/dev/null || die "python3 is missing, which the evaluation kit needs"
[ -f "$kit/score.py" ] || die "no evaluation kit in $kit: PARCELSENTRY_EVAL names its folder"
for set in "${sets[@]}"; do
  source_of "$set"
  [ -f "$file" ] || die "no $file: PARCELSENTRY_TEST_DATA names the folder of the shipments"
done

WORK=$(realpath -m "${WORK:-$(mktemp -d -t parcelsentry-eval.XXXXXX)}")
mkdir -p "$WORK"
echo "eval: working in $WORK" >&2
tables=$WORK/tables
go -C "$root" build -o "$tables" ./detector/eval
"$tables" "${write[@]}" -check # before an evaluation that could not be written
if [ -z "${BINARY-}" ]; then
  BINARY=$WORK/parcelsentry
  go -C "$root" build -trimpath -o "$BINARY" ./cmd/parcelsentry
fi
export WORK BINARY SEEDS="${seeds[*]}"

two_at_a_time() { xargs -P 2 -L 1 "$root/detector/eval/eval.sh" || die "it failed, see above; $WORK is kept"; }
for set in "${sets[@]}"; do
  for variant in plain lines clean; do
    for seed in "${seeds[@]}"; do echo play "$set" "$variant" "$seed"; done
  done
done | two_at_a_time
for set in "${sets[@]}"; do
  for variant in plain lines clean; do echo score "$set" "$variant"; done
done | two_at_a_time
"$tables" "${write[@]}" "$WORK" "${sets[@]}"
