#!/usr/bin/env bash
# The benchmarks beside the code at two commits, and what benchstat makes of the difference:  compare.sh
#
# They run by turns, each time in the other order, so that noise of the machine hits both. Benchmarks that need a server
# or real shipments run if the environment names them, as in `make bench`.
#
# BASE       HEAD~1  the commit to compare with       NEW    the working tree as it is, or a commit
# PKG        ./...   where to look for benchmarks     BENCH  .     which, a regular expression
# COUNT      6       runs of each; with fewer than 4 nothing is significant
# BENCHTIME  200ms   the length of a run
# GATE       none    percent: exit status 1 if the geomean of a package's sec/op, or any allocs/op, got worse by more
#                    and benchstat calls it significant
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD

die() { echo "bench-compare: $*" >&2; exit 2; }
[[ ${GATE:-0} =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "GATE=$GATE is not a number of percent"
[[ ${COUNT:=6} =~ ^[1-9][0-9]*$ ]] || die "COUNT=$COUNT is not a number of runs"
commit() { git rev-parse --verify --quiet "$1^{commit}" || die "$1 is no commit here; a shallow clone lacks history: git fetch --unshallow"; }
base=$(commit "${BASE:-HEAD~1}")
new=
if [ -n "${NEW:-}" ]; then new=$(commit "$NEW"); fi

work=$(mktemp -d)
clean() {
  for side in old new; do git worktree remove --force "$work/$side" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean EXIT
declare -A tree=([old]=$work/old [new]=$root)
git worktree add --quiet --detach "$work/old" "$base"
if [ -n "$new" ]; then
  git worktree add --quiet --detach "$work/new" "$new"
  tree[new]=$work/new
fi
echo "old is $(git log -1 --format='%h %s' "$base"), new is $([ -n "$new" ] && git log -1 --format='%h %s' "$new" || echo the working tree)"

# The test binary of each package with benchmarks is built once a side; a package or benchmark that one side lacks is not compared.
folders() { # SIDE
  (cd "${tree[$1]}" && go list -f '{{.Dir}}' "${packages[@]}") | while read -r folder; do
    if grep -qs '^func Benchmark' "$folder"/*_test.go; then echo "${folder#"${tree[$1]}"}"; fi
  done
}
read -ra packages <<<"${PKG:-./...}"
found=$(folders new) || die "no package is called ${packages[*]}"
[ -n "$found" ] || die "${packages[*]} has no benchmarks"
mapfile -t folders <<<"$found"
for side in old new; do
  mkdir -p "$work/bin/$side"
  : >"$work/$side.txt"
  for i in "${!folders[@]}"; do
    [ -d "${tree[$side]}${folders[i]}" ] || continue
    (cd "${tree[$side]}" && go test -c -o "$work/bin/$side/$i" ".${folders[i]}")
  done
done
go build -o "$work/benchstat" golang.org/x/perf/cmd/benchstat

run() { # SIDE
  for i in "${!folders[@]}"; do
    [ -x "$work/bin/$1/$i" ] || continue
    cd "${tree[$1]}${folders[i]}"
    "$work/bin/$1/$i" -test.run='^$' -test.bench="${BENCH:-.}" -test.benchmem -test.benchtime="${BENCHTIME:-200ms}" \
      >"$work/out" 2>&1 || { cat "$work/out"; die "a benchmark of $1 failed in ${folders[i]#/}"; }
    cat "$work/out" >>"$work/$1.txt"
  done
  cd "$root"
}
for ((round = 1; round <= COUNT; round++)); do
  echo "round $round of $COUNT" >&2
  if ((round % 2)); then run old; run new; else run new; run old; fi
done

compare=("$work/benchstat" "old=$work/old.txt" "new=$work/new.txt")
"${compare[@]}"
[ -n "${GATE:-}" ] || exit 0
"${compare[0]}" -format csv "${compare[@]:1}" 2>/dev/null | awk -F, -v gate="$GATE" -f deploy/bench/gate.awk
