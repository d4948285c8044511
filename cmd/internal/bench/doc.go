// Package bench measures the real service end to end: a real Kafka broker, a real Redis, one process of the service, and
// events that the harness has made up or that somebody else put into a topic.
//
// The input lies in the topic before the service starts, so what is measured is how fast it catches up. CPU comes from
// /proc, so this runs on Linux alone.
package bench
