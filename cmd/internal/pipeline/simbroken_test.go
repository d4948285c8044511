package pipeline

// simBroken is a protection that is taken out, to see that histories notice.
type simBroken struct {
	// unfenced: the store takes everything.
	unfenced bool
	// answer spoils an answer before the worker gets it, worker the worker after each step.
	answer func(*Worker, *completion)
	worker func(*Worker)
}
