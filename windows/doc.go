// Package windows answers when and how many: it slices event time into panes, counts what happened in them, and
// states what a store of such counts promises.
//
// It knows nothing of senders or parcels, reads no clock and does no IO. An Entity holds the counts of one thing
// that is counted for; what changed since it was last stored leaves it as a Delta; a Store adds deltas to its own
// copy exactly once, guarded by a Fence.
//
// Nothing here is safe for use by several goroutines at once, except where a type says so.
package windows
