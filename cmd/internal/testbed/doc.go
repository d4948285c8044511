// Package testbed starts real servers on loopback, each a process with a data folder and ports of its own: Kafka brokers,
// Redis servers. The harnesses that play faults and that measure stand on it.
package testbed
