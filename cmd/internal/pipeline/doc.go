// Package pipeline is the way of an event through one partition: fetch, decode, count, judge, tell, store, commit.
//
// A Worker is a step machine: completions of IO go in, requests for IO come out, and it holds no goroutine, channel
// or clock. Within a step several goroutines may share its entities; the step ends when they have. Run drives it with
// real IO; tests drive it with a seeded scheduler and faults at every step. The order that makes counts exact is the
// worker's: all output acknowledged, then deltas applied under their fences, then the offset committed. Output is two
// streams: alerts never wait for flagged shipments.
package pipeline
