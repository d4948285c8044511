package app_test

import (
	"testing"
)

// TestMembersComeAndGo counts 100,000 shipments in four partitions with members that join and leave in the middle.
// Alerts must be those of a replay of the log, and every counter that of a plain count.
func TestMembersComeAndGo(t *testing.T) {
	const shipments = 100_000
	b := newBench(t)
	all := b.shipments(shipments)
	store := b.store()
	total := int64(len(all))

	first := b.start()
	b.produce(all[:len(all)/4])
	b.await(store, total/8)
	second := b.start() // joins while there is work
	b.produce(all[len(all)/4 : len(all)/2])
	b.await(store, total/3)
	first() // leaves while there is work
	b.produce(all[len(all)/2:])
	b.await(store, total*2/3)
	third := b.start()
	b.awaitEverywhere(store, total)
	second()
	third()
	b.verify(store)
}
