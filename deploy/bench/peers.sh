#!/usr/bin/env bash
# Other engines and the service on the same events, one after the other:  peers.sh [ENGINE...]
#
# Engines: flink-rocksdb flink-heap streams-papi naive-go go-bound parcelsentry; all when none is named. Each takes the events
# that the others' own generator writes to a broker of theirs; what they say is compared by number and checksum.
#
# PEERS    their folder (default ../shared/peers); it is copied, and needs Java 17, Maven, redis-server and GNU time
# EVENTS   2000000     ROUNDS   1, and the table holds medians
# LATENCY  1 measures the delay of alerts too, of each engine that is named
# WORK     where the copy, data and results go (default .bench at the root of the repository)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
peers=$(realpath -m "${PEERS:-$root/../shared/peers}")
work=$(realpath -m "${WORK:-$root/.bench}")
port=${KAFKA_PORT:-29392}

die() { echo "peers: $*" >&2; exit 2; }
[ -e "$peers/measure.sh" ] || die "$peers is not there: name the folder with the other engines, PEERS=..."
[ -e "$peers/../kafka/kafka-local.sh" ] || die "$peers/../kafka is not there, which starts their broker"
for program in java mvn redis-server /usr/bin/time; do
  command -v "$program" >/dev/null || die "$program is missing"
done
[ $# -gt 0 ] || set -- flink-rocksdb flink-heap streams-papi naive-go go-bound parcelsentry

KAFKA_LIB=$("$root/deploy/servers/servers.sh" jars)
export KAFKA_LIB RUN=$work/run BROKERS=127.0.0.1:$port TOTAL=${EVENTS:-2000000}
# Their consumers wait for new events for 500 ms by default, which costs them half of their pace at the end of a partition.
export FETCH_WAIT_MS=${FETCH_WAIT_MS:-20}
mkdir -p "$RUN/redis"
cp -rp "$peers" "$peers/../kafka" "$work"
cd "$work/peers"
for program in gen gonaive gobound; do go build -o "bin/$program" "./$program"; done
(cd "$root" && go build -o "$work/bench" ./cmd/bench)

stop() { ../kafka/kafka-local.sh stop "$RUN/kafka"; ./redis-local.sh stop "$RUN/redis"; }
trap 'stop >/dev/null 2>&1 || true' EXIT
../kafka/kafka-local.sh start "$RUN/kafka" "$port"
./redis-local.sh start "$RUN/redis"
echo "the rule gives $(bin/gen expect -n "$TOTAL")"
bin/gen load -brokers "$BROKERS" -n "$TOTAL"

command_of() { # ENGINE; sets command
  case $1 in
    flink-rocksdb) command=(env BACKEND=rocksdb flink/run.sh) ;;
    flink-heap) command=(env BACKEND=hashmap flink/run.sh) ;;
    streams-papi) command=(env VARIANT=papi GUARANTEE=at_least_once streams/run.sh) ;;
    naive-go) command=(bin/gonaive) ;;
    go-bound) command=(env FLUSH=sender bin/gobound) ;;
    *) die "no engine is called $1" ;;
  esac
}
ours() { # FLAG...
  (cd "$root" && "$work/bench" --workload W1 --brokers "$BROKERS" --broker-pid "$(cat "$RUN/kafka/kafka.pid")" "$@")
}
for engine; do # so that what is built is no part of a measurement
  case $engine in flink* | streams*) command_of "$engine" && env BUILD_ONLY=1 "${command[@]}" ;; esac
done

: >"$RUN/results.tsv"
: >"$RUN/ours.txt"
for _ in $(seq "${ROUNDS:-1}"); do
  for engine; do
    if [ "$engine" = parcelsentry ]; then
      ours --topic events | tee -a "$RUN/ours.txt"
    else
      command_of "$engine"
      ./measure.sh "$engine" "${command[@]}"
    fi
  done
done
if [ -n "${LATENCY:-}" ]; then
  # Theirs makes the topic of events anew, so it comes last.
  for engine; do
    if [ "$engine" = parcelsentry ]; then
      ours --events 100000 --latency
    else
      command_of "$engine"
      ./latency.sh "$engine" "${command[@]}" || [ $? -eq 143 ] # it ends by the signal that it ends the engine with
    fi
  done
fi

echo
echo "| engine | runs | events/s | warm events/s | system CPU us an event | memory MiB | alerts, checksum |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
awk '
  function median(name, key,   n, i, j, t, v) {
    n = split(all[name, key], v, " ")
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n ? v[int((n + 1) / 2)] : "-"
  }
  {
    name = FILENAME ~ /ours/ ? "parcelsentry" : $1
    if (!(name in runs)) order[++names] = name
    runs[name]++
    for (i = 2; i <= NF; i++) { split($i, f, "="); all[name, f[1]] = all[name, f[1]] " " f[2]; last[name, f[1]] = f[2] }
  }
  END {
    for (i = 1; i <= names; i++) {
      n = order[i]; us = n == "parcelsentry"
      printf "| %s | %d | %s | %s | %s | %s | %s, %s |\n", n, runs[n], median(n, us ? "events_per_s" : "ev_s"), median(n, us ? "warm_events_per_s" : "warm_ev_s"),
        median(n, "system_us"), median(n, us ? "rss_mib" : "rss_mb"), last[n, "alerts"], last[n, us ? "checksum" : "sum"]
    }
  }' "$RUN/results.tsv" "$RUN/ours.txt"
