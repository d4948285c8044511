package chaos

import "time"

// soak plays faults of all kinds, one after the other by chance, for as long as is asked for. It is played only by name.
var soak = Scenario{
	Name: "soak", Story: "faults of all kinds for --minutes; only by name", ByName: true,
	// What is lost near the end is read again from the first record, and there are many.
	setup: setup{proxy: true, forgets: true, session: "2s", recovery: 10 * time.Minute},
	play:  playSoak,
}

// soakSenders is how many more senders there are for each minute: some 200 events a second.
const soakSenders = usualSenders

func playSoak(r *Run) error {
	faults := []func() error{
		r.killSome, r.killSome, r.makeZombie, r.joinOrLeave, r.joinOrLeave, r.leaveAll, r.flushAll, r.refuseWrites,
		func() error { return r.restartRedis(false) },
		func() error { return r.restartRedis(true) },
		func() error { return r.restart(0) },
		r.playTricks,
	}
	return r.meanwhile(time.Second, 8*time.Second, func() error { return faults[r.random.IntN(len(faults))]() })
}

// playTricks lets the proxy play for a while.
func (r *Run) playTricks() error {
	before, _ := r.proxy.tricksPlayed()
	r.proxy.play(usualTricks)
	err := r.wait(2*time.Second, 6*time.Second)
	r.proxy.play(tricks{})
	after, by := r.proxy.tricksPlayed()
	r.tell("the proxy has played %v", by)
	r.faultsWere(after - before)
	return err
}
