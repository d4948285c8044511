package chaos

import "time"

// Scenario is a kind of fault, and what it is played on.
type Scenario struct {
	Name string
	// Story says in a line what happens.
	Story string
	// Short scenarios are part of the short run.
	Short bool
	// ByName scenarios are played only when they are named.
	ByName bool
	setup  setup
	// play injects the faults, while the log is written or not. It returns an error only where the harness itself fails;
	// what the service does wrong it notes.
	play func(*Run) error
}

// setup is what a run is played on. The zero value is a topic of four partitions, a Redis and two members.
type setup struct {
	// members run from the beginning; 0 means two, -1 none.
	members int
	// redis are more lines of its configuration, cluster makes three primaries of it.
	redis   []string
	cluster bool
	// proxy stands between the service and Redis.
	proxy bool
	// redisTimeout and session are the service's redis.timeout and kafka.session_timeout, unless empty.
	redisTimeout, session string
	// fetchBytes is kafka.fetch_bytes, unless empty.
	fetchBytes string
	// forgets is set where recorded profiles may be lost: then only a rule that needs none may fire.
	forgets bool
	// twoBrokers puts half of the input's partitions on a second broker, topic are more settings of the input.
	twoBrokers bool
	topic      map[string]string
	// wrongs are the records that are no events, beside what every log has.
	wrongs wrongs
	// pour is how long it takes to write; 0 means the usual.
	pour time.Duration
	// most bounds the faults, unless 0.
	most int
	// recovery is how long the service may take until all is counted; 0 means the usual.
	recovery time.Duration
	// clean is set where members end only when they are asked to: then nothing is left for others to say again.
	clean bool
	// saysMore is set where what was said before can't be concluded from the log any more.
	saysMore bool
}

// Scenarios are all of them, the most important first.
func Scenarios() []Scenario {
	all := []Scenario{baseline}
	for _, family := range [][]Scenario{processScenarios, storageScenarios, kafkaScenarios, recordScenarios} {
		all = append(all, family...)
	}
	return append(all, soak)
}

// baseline shows that the harness finds nothing where there is nothing.
var baseline = Scenario{
	Name: "baseline", Story: "no fault", Short: true,
	play: func(r *Run) error { return r.pour(usualPour).wait() },
}
