package pipeline

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/detector"
)

// Outcomes and reasons of events, as they stand in parcelsentry_events_total.
const (
	outcomeCounted      = "counted"
	outcomeSkipped      = "skipped"
	outcomeDeadLettered = "dead_lettered"

	reasonRedelivered = "redelivered"
	reasonSeeded      = "seeded"     // before the cut, so counted from a file
	reasonAfterSeed   = "after_seed" // of a file, but not before the cut
	reasonControl     = "control"
	reasonCanary      = "canary"
	reasonMalformed   = "malformed"
	reasonPoison      = "poison"
)

// What Observe gives as the outcome of events that were passed over.
const (
	// Redelivered events are counted already.
	Redelivered detector.Outcome = reasonRedelivered
	// Seeded events are before the cut of SetCut.
	Seeded detector.Outcome = reasonSeeded
	// AfterSeed events are not before Options.Until.
	AfterSeed detector.Outcome = reasonAfterSeed
)

// Metrics are what all workers of a process count. No label names a sender, a recipient or a route.
type Metrics struct {
	events       *prometheus.CounterVec
	counted      prometheus.Counter // of events
	resubmitted  prometheus.Counter
	timeLag      *prometheus.GaugeVec
	offsetLag    *prometheus.GaugeVec
	profileAge   *prometheus.GaugeVec
	lastProgress *prometheus.GaugeVec
	applied      *prometheus.GaugeVec
	transit      *prometheus.GaugeVec
	unflushed    *prometheus.GaugeVec
	unheard      *prometheus.GaugeVec
	lastCounted  prometheus.Gauge
	repair       *prometheus.GaugeVec
	assigned     prometheus.Gauge

	alerts       *prometheus.CounterVec
	suppressed   *prometheus.CounterVec
	flagged      *prometheus.CounterVec
	scores       *prometheus.HistogramVec
	judged       *prometheus.CounterVec
	abstained    *prometheus.CounterVec
	rules        map[string]*ruleMetrics // those of NewMetrics
	alertLatency prometheus.Histogram

	flushDuration prometheus.Histogram
	flushEvents   prometheus.Histogram
	flushEntities prometheus.Histogram

	entities    prometheus.Gauge
	entityBytes prometheus.Gauge
	hits        prometheus.Counter
	misses      prometheus.Counter
	evictions   prometheus.Counter

	rewinds *prometheus.CounterVec
	rewound *prometheus.CounterVec
	lost    prometheus.Counter
	retries *prometheus.CounterVec
}

// NewMetrics registers the metrics of workers whose sets have these rules. Label values that are known are there from
// the start, so that a first count shows as a rate.
func NewMetrics(reg prometheus.Registerer, rules []string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parcelsentry_" + name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "parcelsentry_" + name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parcelsentry_" + name, Help: help, Buckets: buckets,
			// A native histogram too, bounded: unbounded ones grow with every odd value.
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
			NativeHistogramMinResetDuration: time.Hour,
		}, labels)
		reg.MustRegister(v)
		return v
	}
	seconds := prometheus.ExponentialBuckets(0.001, 2, 16)
	sizes := prometheus.ExponentialBuckets(1, 4, 10)
	m := &Metrics{
		events:        counter("events_total", "Records by what became of them, and why.", "outcome", "reason"),
		resubmitted:   counter("resubmitted_total", "Records read whose messages were dead letters and were written to the log again; each is among parcelsentry_events_total too.").WithLabelValues(),
		timeLag:       gauge("event_time_lag_seconds", "Seconds between now and the event time of the last event counted.", "topic", "partition"),
		offsetLag:     gauge("offset_lag", "Records in the log after the last one processed.", "topic", "partition"),
		profileAge:    gauge("profile_age_seconds", "Seconds of event time from the beginning of the day that the profile in force was made for to the last event counted: below a day unless no new profile is made.", "topic", "partition"),
		lastProgress:  gauge("last_progress_timestamp_seconds", "When the partition last processed a record or found nothing new, in Unix time.", "topic", "partition"),
		applied:       gauge("counted_offset", "Offset of the last record of the partition whose counts are stored, and those of all before it; -1 before the first.", "topic", "partition"),
		transit:       gauge("unflushed_ratio", "Work of the partition that is not stored or acknowledged, as a share of the bound at which it stops reading.", "topic", "partition"),
		unflushed:     gauge("unflushed_seconds", "Age of the oldest counted event of the partition that is not stored, 0 without one.", "topic", "partition"),
		unheard:       gauge("unacknowledged_seconds", "Seconds for which alerts, flagged shipments or dead letters of the partition have waited without one being acknowledged, 0 while none wait.", "topic", "partition"),
		lastCounted:   gauge("last_counted_timestamp_seconds", "When this process last counted an event, in Unix time; 0 before the first.").WithLabelValues(),
		repair:        gauge("repair_records", "Offsets still to be read again until the counts are whole; 0 unless lost state is being repaired.", "topic", "partition"),
		assigned:      gauge("assigned_partitions", "Partitions that this process works on.").WithLabelValues(),
		alerts:        counter("alerts_total", "Alerts by rule, severity and activity.", "rule", "severity", "activity"),
		suppressed:    counter("suppressed_total", "Findings over a threshold held back by the cooldown, by rule.", "rule"),
		flagged:       counter("flagged_total", "Shipments flagged for gates, by the strongest rule.", "rule"),
		scores:        histogram("score", "Scores above zero, by rule.", []float64{.5, 1, 2, 3, 4, 6, 8, 12, 20, 40}, "rule"),
		judged:        counter("judged_total", "Judgements that a rule gave, whatever the score.", "rule"),
		abstained:     counter("abstained_total", "Judgements that a rule did not give, as it had nothing to go by.", "rule"),
		alertLatency:  histogram("alert_latency_seconds", "Seconds from a record's timestamp to the acknowledged alert.", seconds).WithLabelValues().(prometheus.Histogram),
		flushDuration: histogram("flush_duration_seconds", "Seconds that a flush took, from its beginning to the last delta applied.", seconds).WithLabelValues().(prometheus.Histogram),
		flushEvents:   histogram("flush_events", "Events in a flush.", sizes).WithLabelValues().(prometheus.Histogram),
		flushEntities: histogram("flush_entities", "Entities in a flush.", sizes).WithLabelValues().(prometheus.Histogram),
		entities:      gauge("working_set_entities", "Entities in memory.").WithLabelValues(),
		entityBytes:   gauge("working_set_bytes", "Bytes that the entities in memory take, by estimate.").WithLabelValues(),
		hits:          counter("working_set_hits_total", "Entities found in memory.").WithLabelValues(),
		misses:        counter("working_set_misses_total", "Entities loaded from the store.").WithLabelValues(),
		evictions:     counter("working_set_evictions_total", "Entities evicted from memory.").WithLabelValues(),
		rewinds:       counter("rewinds_total", "Times that a partition went back to its fences, by cause.", "cause"),
		rewound:       counter("rewound_records_total", "Offsets that partitions went back, by cause.", "cause"),
		lost:          counter("lost_records_total", "Offsets that the log no longer held when their records were to be counted, or counted again after lost state: at most so many records are missing in the counts.").WithLabelValues(),
		retries:       counter("retries_total", "Attempts that failed and were made again, by operation.", "operation"),
	}
	m.counted = m.events.WithLabelValues(outcomeCounted, "")
	for _, reason := range []string{
		string(detector.NotShipment), string(detector.Duplicate), string(detector.SameItem),
		reasonControl, reasonCanary, reasonRedelivered, reasonSeeded,
	} {
		m.events.WithLabelValues(outcomeSkipped, reason)
	}
	for _, reason := range []string{reasonMalformed, string(detector.TooLate), string(detector.Future), reasonPoison} {
		m.events.WithLabelValues(outcomeDeadLettered, reason)
	}
	m.rules = make(map[string]*ruleMetrics, len(rules))
	for _, rule := range rules {
		m.suppressed.WithLabelValues(rule)
		m.flagged.WithLabelValues(rule)
		m.rules[rule] = m.rule(rule)
		for _, s := range []detector.Severity{detector.Low, detector.Medium, detector.High, detector.Critical} {
			for _, a := range []detector.Activity{detector.Create, detector.Update, detector.Close} {
				m.alerts.WithLabelValues(rule, string(s), string(a))
			}
		}
	}
	for _, cause := range []string{causeLostState, causeNewTopic, rewindRefused, rewindForeign, rewindOutOfRange, rewindPoison} {
		m.rewinds.WithLabelValues(cause)
		m.rewound.WithLabelValues(cause)
	}
	for _, op := range operations {
		m.retries.WithLabelValues(string(op))
	}
	return m
}

// NewUnreadMetrics gives metrics that nobody will read, of a worker whose set has these rules. A histogram takes longer
// than a rule takes for many an event, so scores are not gathered.
func NewUnreadMetrics(rules []string) *Metrics {
	m := NewMetrics(prometheus.NewRegistry(), rules)
	for _, r := range m.rules {
		r.score = prometheus.ObserverFunc(func(float64) {})
	}
	return m
}

// tally gathers what changes with every event, so that the workers don't take turns at the counters that they share.
type tally struct {
	hits, misses, counted int
	rules                 []ruleTally // in the order of the findings
}

type ruleTally struct {
	metrics           *ruleMetrics
	judged, abstained int
}

func (t *tally) concluded(m *Metrics, c *detector.Conclusion) {
	t.counted++
	if len(t.rules) < len(c.Findings) {
		t.rules = make([]ruleTally, len(c.Findings))
	}
	for i := range c.Findings {
		if f := &c.Findings[i]; f.Rule != "" { // else its entity was not judged
			t.rules[i].found(m, f)
		}
	}
	m.said(c)
}

func (t *ruleTally) found(m *Metrics, f *detector.Finding) {
	if t.metrics == nil {
		t.metrics = m.rule(f.Rule)
	}
	if f.Abstained != "" {
		t.abstained++
		return
	}
	t.judged++
	if f.Score > 0 {
		t.metrics.score.Observe(f.Score)
	}
}

// report adds what was gathered to the metrics.
func (w *Worker) report() {
	t, m := &w.tally, w.options.Metrics
	add := func(c prometheus.Counter, n *int) {
		if *n > 0 {
			c.Add(float64(*n))
			*n = 0
		}
	}
	add(m.hits, &t.hits)
	add(m.misses, &t.misses)
	add(m.counted, &t.counted)
	for i := range t.rules {
		if r := &t.rules[i]; r.metrics != nil {
			add(r.metrics.judged, &r.judged)
			add(r.metrics.abstained, &r.abstained)
		}
	}
}

// ruleMetrics are what is counted of a rule for every event.
type ruleMetrics struct {
	judged, abstained, flagged, suppressed prometheus.Counter
	score                                  prometheus.Observer
}

func (m *Metrics) rule(name string) *ruleMetrics {
	if r := m.rules[name]; r != nil {
		return r
	}
	return &ruleMetrics{
		judged: m.judged.WithLabelValues(name), abstained: m.abstained.WithLabelValues(name),
		flagged: m.flagged.WithLabelValues(name), suppressed: m.suppressed.WithLabelValues(name),
		score: m.scores.WithLabelValues(name),
	}
}

func (m *Metrics) said(c *detector.Conclusion) {
	for i := range c.Alerts {
		a := &c.Alerts[i]
		m.alerts.WithLabelValues(a.Rule, string(a.Severity), string(a.Activity)).Inc()
	}
	if c.Flag == nil {
		return
	}
	r := m.rule(strongestRule(c.Findings))
	r.flagged.Inc()
	if c.Held {
		r.suppressed.Inc()
	}
}

func strongestRule(findings []detector.Finding) string {
	best := -1
	for i := range findings {
		if findings[i].Over() && (best < 0 || findings[i].Score > findings[best].Score) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return findings[best].Rule
}

// partition holds the gauges of one partition, which go when it is revoked.
type partitionMetrics struct {
	timeLag, offsetLag, profileAge, lastProgress, repair prometheus.Gauge
	applied, transit, unflushed, unheard                 prometheus.Gauge

	forget func()
}

func (m *Metrics) partition(topic string, partition int) partitionMetrics {
	p := strconv.Itoa(partition)
	m.assigned.Inc()
	return partitionMetrics{
		timeLag:      m.timeLag.WithLabelValues(topic, p),
		offsetLag:    m.offsetLag.WithLabelValues(topic, p),
		profileAge:   m.profileAge.WithLabelValues(topic, p),
		lastProgress: m.lastProgress.WithLabelValues(topic, p),
		applied:      m.applied.WithLabelValues(topic, p),
		transit:      m.transit.WithLabelValues(topic, p),
		unflushed:    m.unflushed.WithLabelValues(topic, p),
		unheard:      m.unheard.WithLabelValues(topic, p),
		repair:       m.repair.WithLabelValues(topic, p),
		forget: func() {
			m.assigned.Dec()
			m.applied.DeleteLabelValues(topic, p)
			m.transit.DeleteLabelValues(topic, p)
			m.unflushed.DeleteLabelValues(topic, p)
			m.unheard.DeleteLabelValues(topic, p)
			m.timeLag.DeleteLabelValues(topic, p)
			m.offsetLag.DeleteLabelValues(topic, p)
			m.profileAge.DeleteLabelValues(topic, p)
			m.lastProgress.DeleteLabelValues(topic, p)
			m.repair.DeleteLabelValues(topic, p)
		},
	}
}

// show tells what of the partition is not stored or not acknowledged, and since when.
func (w *Worker) show() {
	if w.phase == phaseStopped {
		return
	}
	unflushed, unheard := w.inTransit()
	if most := w.options.Limits.MaxUnflushed; most > 0 {
		w.metrics.transit.Set(float64(max(unflushed, unheard)) / float64(most))
	}
	w.metrics.applied.Set(float64(w.applied.Offset))
	w.metrics.unflushed.Set(w.waiting())
	w.metrics.unheard.Set(w.unheard().Seconds())
}

// waiting is the age of the oldest counted event that is not stored, in seconds.
func (w *Worker) waiting() float64 {
	switch {
	case w.flight != nil && w.flight.events > 0:
		return w.now.Sub(w.flight.oldest).Seconds()
	case w.pending > 0:
		return w.now.Sub(w.firstPending).Seconds()
	}
	return 0
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
