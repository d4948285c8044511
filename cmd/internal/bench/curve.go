package bench

import (
	"fmt"
	"time"
)

// A Curve is a number of runs of W2 that differ in one thing.
type Curve struct {
	// Name is a word, Varies says what differs.
	Name, Varies string
	Points       []Point
	// Continued lets each point go on where the one before ended: with the same senders, topic and Redis.
	Continued bool
}

// A Point is a run of a curve.
type Point struct {
	// At names it, without blanks.
	At    string
	Shape Shape
	Setup Setup
	// Set are changes to the service's configuration, each KEY=VALUE.
	Set []string
	// Span, unless 0, is the time between the first event and the last, whatever their number: it decides the shape's step.
	Span time.Duration
}

// Curves are all that can be drawn.
//
// The events are the usual ones unless a curve says otherwise. Senders have to be drawn evenly where their number is in
// question: by the usual law the few who send most look the same among a thousand and among ten million.
func Curves() []Curve {
	return []Curve{
		{Name: "senders", Varies: "senders, all alike", Points: overSenders()},
		{Name: "rules", Varies: "rules in force", Points: overRules()},
		{Name: "partitions", Varies: "partitions of the input", Points: overPartitions()},
		{Name: "size", Varies: "KiB an event", Points: overSizes()},
		{Name: "flush_interval", Varies: "redis.flush_interval", Points: overSetting("redis.flush_interval",
			[]string{"50ms", "100ms", "200ms", "500ms", "1s", "2s", "5s"}, "redis.flush_events=1000000", "redis.max_unflushed=1000000")},
		{Name: "flush_events", Varies: "redis.flush_events", Points: overSetting("redis.flush_events",
			[]string{"100", "300", "1000", "3000", "10000", "30000"}, "redis.flush_interval=2s")},
		{Name: "working_set", Varies: "windows.working_set", Points: overWorkingSets()},
		{Name: "members", Varies: "processes that share 8 partitions", Points: overMembers()},
		{Name: "cluster", Varies: "masters of a Redis Cluster", Points: overClusters()},
		{Name: "late", Varies: "% of events that are late by hours, of 10,000 senders", Points: overLate()},
		{Name: "history", Varies: "days that the 2,000 senders have behind them", Points: overHistory(), Continued: true},
	}
}

func overSenders() []Point {
	var all []Point
	for n := uint64(1_000); n <= 10_000_000; n *= 10 {
		all = append(all, Point{At: fmt.Sprint(n), Shape: Shape{Senders: n, Even: true}})
	}
	return all
}

// ruleNames are those of the shipped configuration, in its order.
func ruleNames() []string {
	return []string{"limit", "burst", "surge", "fanout", "fanin", "lane_burst", "structuring", "route", "slow_route", "weight", "value"}
}

// overRules turns on the first of the shipped ones, until all are. There are eleven, each at most once, so no configuration has twenty.
func overRules() []Point {
	names := ruleNames()
	var all []Point
	for _, on := range []int{1, 2, 3, 4, 5, 7, 9, len(names)} {
		p := Point{At: fmt.Sprint(on)}
		for _, off := range names[on:] {
			p.Set = append(p.Set, "detectors."+off+".enabled=false")
		}
		all = append(all, p)
	}
	return all
}

func overPartitions() []Point {
	var all []Point
	for n := 1; n <= 64; n *= 2 {
		all = append(all, Point{At: fmt.Sprint(n), Setup: Setup{Partitions: n}})
	}
	return all
}

// overSizes pads the usual event, which has 0.3 KiB.
func overSizes() []Point {
	all := []Point{{At: "0.3"}}
	for _, kib := range []int{1, 4, 16} {
		all = append(all, Point{At: fmt.Sprint(kib), Shape: Shape{Padding: kib<<10 - meanSize}})
	}
	return all
}

// overSetting gives a setting several values, and others the same ones at each point.
func overSetting(key string, values []string, others ...string) []Point {
	var all []Point
	for _, v := range values {
		all = append(all, Point{At: v, Set: append([]string{key + "=" + v}, others...)})
	}
	return all
}

func overWorkingSets() []Point {
	all := overSetting("windows.working_set", []string{"4MiB", "8MiB", "16MiB", "32MiB", "64MiB", "128MiB"})
	return append(all, Point{At: "all", Set: []string{"windows.working_set=64GiB"}})
}

func overMembers() []Point {
	var all []Point
	for _, n := range []int{1, 2, 4} {
		all = append(all, Point{At: fmt.Sprint(n), Setup: Setup{Partitions: 8, Members: n}})
	}
	return all
}

func overClusters() []Point {
	return []Point{{At: "none"}, {At: "1", Setup: Setup{Masters: 1}}, {At: "3", Setup: Setup{Masters: 3}}}
}

func overLate() []Point {
	var all []Point
	for _, percent := range []int{0, 1, 5, 10, 20, 30, 50} {
		all = append(all, Point{At: fmt.Sprint(percent), Shape: Shape{Senders: 10_000, Late: float64(percent) / 100}})
	}
	return all
}

// overHistory goes beyond the 120 days that the finest resolution for the usual keeps, and the 360 of places. A partition makes a
// profile for each day, however many events that has, and here it has few: so there is one partition alone.
func overHistory() []Point {
	const stretch = 30
	var all []Point
	for days := stretch; days <= 390; days += stretch {
		all = append(all, Point{At: fmt.Sprint(days), Shape: Shape{Senders: 2_000}, Setup: Setup{Partitions: 1}, Span: stretch * 24 * time.Hour})
	}
	return all
}

// size is how large its events are, about.
func (p *Point) size() int { return meanSize + p.Shape.Padding }

// pointBytes bounds what a point writes to the topic, so that it fits into the memory of a small machine.
const pointBytes = 512 << 20

// events is how many a point has, where so many are asked for.
func (p *Point) events(asked int) int { return min(asked, pointBytes/p.size()) }

// shape is that of the events, where there are so many.
func (p *Point) shape(events int) Shape {
	s := p.Shape
	if p.Span > 0 {
		s.Step = max(p.Span/time.Duration(events), 1)
	}
	return s
}
