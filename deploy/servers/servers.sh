#!/usr/bin/env bash
# Real servers for tests, on loopback: a Kafka broker, a Redis, a one-node Redis Cluster.
#
#   servers.sh start|stop|status|env [kafka|redis|cluster]...      (all three when none is named)
#   servers.sh jars
#
# start   waits until they answer; what runs already is left alone
# stop    ends what start has started, and nothing else
# status  one line a server; exit status 3 unless all named ones run
# env     the settings by which the tests find them, for eval
# jars    fetches the broker's jars when they are missing, and prints the folder
#
# SERVERS_DIR    data, logs, pids (default .servers at the root of the repository)
# KAFKA_LIB      the broker's jars (default $SERVERS_DIR/kafka-lib), fetched with Maven when missing
# KAFKA_PORT     19092, its controller KAFKA_CONTROLLER_PORT 19093; KAFKA_HEAP 1g
# REDIS_PORT     16379
# CLUSTER_PORT   16380, its bus CLUSTER_BUS_PORT 26380
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(realpath -m "${SERVERS_DIR:-$here/../../.servers}")
lib=$(realpath -m "${KAFKA_LIB:-$dir/kafka-lib}")
host=127.0.0.1
kafka_version=4.1.1
kafka_port=${KAFKA_PORT:-19092}
controller_port=${KAFKA_CONTROLLER_PORT:-19093}
redis_port=${REDIS_PORT:-16379}
cluster_port=${CLUSTER_PORT:-16380}
bus_port=${CLUSTER_BUS_PORT:-26380}

say() { echo "servers: $*"; }
die() { echo "servers: $*" >&2; exit 1; }
need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"
}

# A server is known by the configuration file on its command line: a pid file
# that outlived its process may name somebody else's.
running() { # NAME; prints the pid
  local pid
  pid=$(cat "$dir/$1/pid" 2>/dev/null) || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/$1/server.conf" || return 1
  echo "$pid"
}

# The server must outlive its starter and hold nothing of it open: neither the
# pipe that make or CI reads to the end, nor a lock.
launch() { # NAME COMMAND...
  local name=$1 fd
  shift
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      # 255 is where bash reads this script; it is not passed on.
      if ((fd > 2 && fd != 255)); then exec {fd}>&-; fi
    done
    cd "$dir/$name"
    exec setsid "$@" </dev/null >"$dir/$name/out.log" 2>&1
  ) &
  echo $! >"$dir/$name/pid"
}

await() { # NAME
  local name=$1
  for _ in {1..600}; do
    if "ready_$name"; then return; fi
    if ! kill -0 "$(cat "$dir/$name/pid")" 2>/dev/null; then
      tail -n 20 "$dir/$name/out.log" >&2
      die "$name ended while starting"
    fi
    sleep 0.1
  done
  tail -n 20 "$dir/$name/out.log" >&2
  die "$name does not answer after 60 s, its log is $dir/$name/out.log"
}

free_port() { # NAME PORT
  if (: >"/dev/tcp/$host/$2") 2>/dev/null; then die "$1: port $2 is taken by another process"; fi
}

kafka_jars() {
  [ ! -e "$lib/complete-$kafka_version" ] || return 0
  need mvn maven
  say "fetching the jars of Kafka $kafka_version" >&2
  mkdir -p "$lib" "$dir/kafka"
  mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$lib" \
    >"$dir/kafka/maven.log" 2>&1 </dev/null || { cat "$dir/kafka/maven.log" >&2; die "kafka: can't fetch its jars"; }
  [ -e "$lib/kafka_2.13-$kafka_version.jar" ] || die "pom.xml does not name Kafka $kafka_version"
  touch "$lib/complete-$kafka_version"
}

start_kafka() {
  local conf=$dir/kafka/server.conf java
  need java openjdk-17-jre-headless
  kafka_jars
  java=(java "-Dlog4j2.configurationFile=$here/log4j2.properties" -cp "$lib/*")
  free_port kafka "$kafka_port"
  free_port kafka "$controller_port"
  {
    cat "$here/kafka.properties"
    echo "listeners=PLAINTEXT://$host:$kafka_port,CONTROLLER://$host:$controller_port"
    echo "controller.quorum.voters=1@$host:$controller_port"
    echo "log.dirs=$dir/kafka/data"
  } >"$conf"
  if [ ! -e "$dir/kafka/data/meta.properties" ]; then
    # A cluster id is 16 bytes in base64url; a name serves as well as chance.
    "${java[@]}" kafka.tools.StorageTool format -c "$conf" -t "$(printf parcelsentry-dev | base64 | tr -d =)" \
      >"$dir/kafka/format.log" 2>&1 || { cat "$dir/kafka/format.log" >&2; die "kafka: can't format its data folder"; }
  fi
  # As Kafka's own start script does: without it some collections of garbage stop the broker for 100 ms.
  local jvm=(-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent)
  launch kafka "${java[@]}" "${jvm[@]}" "-Xms${KAFKA_HEAP:-1g}" "-Xmx${KAFKA_HEAP:-1g}" kafka.Kafka "$conf"
}

launch_redis() { # NAME PORT CONFIGURATION-LINE...
  local name=$1 port=$2
  shift 2
  need redis-server redis-server
  free_port "$name" "$port"
  mkdir -p "$dir/$name/data"
  {
    cat "$here/redis.conf"
    printf '%s\n' "port $port" "dir \"$dir/$name/data\"" "$@"
  } >"$dir/$name/server.conf"
  launch "$name" redis-server "$dir/$name/server.conf"
}

start_redis() { launch_redis redis "$redis_port"; }

start_cluster() {
  free_port cluster "$bus_port"
  launch_redis cluster "$cluster_port" "$(cat "$here/cluster.conf")" "cluster-port $bus_port"
}

ready_kafka() { grep -q 'Kafka Server started' "$dir/kafka/out.log"; }

ready_redis() { [ "$(redis-cli -h "$host" -p "$redis_port" ping 2>/dev/null)" = PONG ]; }

# A new node owns no slots and serves nothing; later it remembers what it owns.
ready_cluster() {
  local info
  info=$(redis-cli -h "$host" -p "$cluster_port" cluster info 2>/dev/null) || return 1
  case $info in
    *cluster_state:ok*) return 0 ;;
    *cluster_slots_assigned:0*) redis-cli -h "$host" -p "$cluster_port" cluster addslotsrange 0 16383 >/dev/null ;;
  esac
  return 1
}

start() { # NAME
  local pid
  if pid=$(running "$1"); then
    # Its first starter may have been interrupted.
    await "$1"
    say "$1 runs already, pid $pid"
    return
  fi
  mkdir -p "$dir/$1"
  "start_$1"
  await "$1"
  say "$1 started, pid $(cat "$dir/$1/pid")"
}

stop() { # NAME
  local pid
  if ! pid=$(running "$1"); then
    say "$1 does not run"
    return
  fi
  kill "$pid"
  for _ in {1..600}; do
    if ! running "$1" >/dev/null; then
      rm -f "$dir/$1/pid"
      say "$1 stopped"
      return
    fi
    sleep 0.1
  done
  die "$1, pid $pid, has not ended after 60 s"
}

status() { # NAME...
  local name pid code=0
  for name; do
    if pid=$(running "$name"); then
      say "$name runs, pid $pid"
    else
      say "$name does not run"
      code=3
    fi
  done
  return "$code"
}

env_line() { # NAME
  case $1 in
    kafka) echo "export PARCELSENTRY_TEST_KAFKA=$host:$kafka_port" ;;
    redis) echo "export PARCELSENTRY_TEST_REDIS=$host:$redis_port" ;;
    cluster) echo "export PARCELSENTRY_TEST_REDIS_CLUSTER=$host:$cluster_port" ;;
  esac
}

usage() { sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "${BASH_SOURCE[0]}"; }

command=${1:-}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- kafka redis cluster
for name; do
  case $name in
    kafka | redis | cluster) ;;
    *) die "no server is called $name: kafka, redis, cluster" ;;
  esac
done
case $command in
  start | stop)
    mkdir -p "$dir"
    # Two callers at once would start everything twice.
    exec {lock}>"$dir/lock"
    flock "$lock"
    for name; do "$command" "$name"; done
    ;;
  status) status "$@" ;;
  jars)
    mkdir -p "$dir"
    exec {lock}>"$dir/lock"
    flock "$lock"
    kafka_jars
    echo "$lib"
    ;;
  env) for name; do env_line "$name"; done ;;
  *)
    usage >&2
    exit 2
    ;;
esac
