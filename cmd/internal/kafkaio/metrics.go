package kafkaio

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what a Group counts.
type Metrics struct {
	generations prometheus.Counter
	errors      prometheus.Counter
	lostCommits prometheus.Counter
	joined      prometheus.Gauge
	partitions  prometheus.Gauge
}

// NewMetrics makes the metrics and registers them, unless reg is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "parcelsentry_" + name, Help: help})
	}
	m := &Metrics{
		generations: counter("group_generations_total", "Times that this process was given partitions by its consumer group."),
		errors:      counter("group_errors_total", "Attempts to join the consumer group that failed and were made again."),
		lostCommits: counter("group_lost_commits_total", "Offsets that could not be committed because the partition was given away; the next owner reads those records again."),
		joined: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "parcelsentry_group_joined", Help: "1 while this process is a member of its consumer group.",
		}),
	}
	m.partitions = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "parcelsentry_topic_partitions", Help: "Partitions of the input topic; 0 while not known.",
	})
	if reg != nil {
		reg.MustRegister(m.generations, m.errors, m.lostCommits, m.joined, m.partitions)
	}
	return m
}
