// Package chaos plays faults against the real service, with a real Kafka and real Redis servers of its own, and counts
// by itself what must come out.
//
// A scenario is played once for each seed. A run has topics, a Redis and processes of its own; a log that the harness
// knows is written while faults happen. When all of it is counted, every counter, alert, flagged shipment and dead letter is
// compared with what follows from the log alone.
package chaos
