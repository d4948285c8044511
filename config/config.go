// Package config reads the configuration file of parcelsentry.
//
// Load starts from Default and refuses whatever cannot work: unknown keys, wrong types, values out of range, settings
// that contradict each other. It reports all faults at once, each with line and column. The file parcelsentry.yaml
// beside this one holds all defaults and is the manual of every setting.
package config

import "time"

// Config is the whole configuration. The zero value is not valid; start from Default.
//
// It holds no secret, only the names of files with secrets, so it may be logged and printed.
type Config struct {
	Kafka     Kafka     `yaml:"kafka"`
	Redis     Redis     `yaml:"redis"`
	Events    Events    `yaml:"events"`
	Privacy   Privacy   `yaml:"privacy"`
	Windows   Windows   `yaml:"windows"`
	Detectors Detectors `yaml:"detectors"`
	Alerts    Alerts    `yaml:"alerts"`
	HTTP      HTTP      `yaml:"http"`
	Canary    Canary    `yaml:"canary"`
}

// Kafka says where events come from and where output goes.
type Kafka struct {
	// Brokers are host:port, at least one.
	Brokers  []string `yaml:"brokers"`
	Group    string   `yaml:"group"`
	ClientID string   `yaml:"client_id"`
	Topics   Topics   `yaml:"topics"`
	// Start is where a partition starts that was never read.
	Start Start `yaml:"start"`
	// FetchBytes and FetchWait bound one fetch of one partition.
	FetchBytes Size     `yaml:"fetch_bytes"`
	FetchWait  Duration `yaml:"fetch_wait"`
	// CommitInterval is the least time between two offset commits of a member.
	CommitInterval    Duration    `yaml:"commit_interval"`
	SessionTimeout    Duration    `yaml:"session_timeout"`
	HeartbeatInterval Duration    `yaml:"heartbeat_interval"`
	RebalanceTimeout  Duration    `yaml:"rebalance_timeout"`
	Compression       Compression `yaml:"compression"`
}

// Topics are the names of five different topics.
type Topics struct {
	Shipments   string `yaml:"shipments"`
	Alerts      string `yaml:"alerts"`
	Flagged     string `yaml:"flagged"`
	DeadLetters string `yaml:"dead_letters"`
	// Canary is needed only with canaries.
	Canary string `yaml:"canary"`
}

// Start is a place in a partition.
type Start string

// The values of Start.
const (
	Earliest Start = "earliest"
	Latest   Start = "latest"
)

// Compression names how output is compressed.
type Compression string

// The values of Compression.
const (
	CompressionNone   Compression = "none"
	CompressionGzip   Compression = "gzip"
	CompressionSnappy Compression = "snappy"
	CompressionLZ4    Compression = "lz4"
	CompressionZstd   Compression = "zstd"
)

// Redis says where counters live and how often they are stored.
type Redis struct {
	// Addresses are host:port: one server, or some nodes of a cluster.
	Addresses []string `yaml:"addresses"`
	Cluster   bool     `yaml:"cluster"`
	Username  string   `yaml:"username"`
	// PasswordFile holds the password; "" means that none is sent.
	PasswordFile string   `yaml:"password_file"`
	Database     int      `yaml:"database"`
	TLS          bool     `yaml:"tls"`
	Timeout      Duration `yaml:"timeout"`
	// RetentionMargin is how much longer than the longest resolution keys live.
	RetentionMargin Duration `yaml:"retention_margin"`
	// FlushInterval and FlushEvents say when a partition stores its counts: whichever comes first.
	FlushInterval Duration `yaml:"flush_interval"`
	FlushEvents   int      `yaml:"flush_events"`
	// MaxUnflushed is the number of events of a partition, counted but not stored, at which it stops fetching.
	MaxUnflushed       int      `yaml:"max_unflushed"`
	CheckpointInterval Duration `yaml:"checkpoint_interval"`
}

// Events says which events are taken.
type Events struct {
	// AllowedLateness is how much older than its record an event may be; 0 means any age.
	AllowedLateness Duration `yaml:"allowed_lateness"`
	// ClockTolerance is how much newer than its record an event may be; 0 means any.
	ClockTolerance Duration  `yaml:"clock_tolerance"`
	TimeRange      TimeRange `yaml:"time_range"`
	MaxBytes       Size      `yaml:"max_bytes"`
	// DuplicateHorizon is how long event ids are remembered; 0 means not at all.
	DuplicateHorizon Duration `yaml:"duplicate_horizon"`
	// ItemHorizon is how long items are remembered, so that each counts once; 0 means not at all.
	ItemHorizon Duration `yaml:"item_horizon"`
	// ShipmentTypes are the event types that count as a shipment, besides the missing type.
	ShipmentTypes []string   `yaml:"shipment_types"`
	DeadLetter    DeadLetter `yaml:"dead_letter"`
}

// TimeRange is the half-open interval [From, To), in UTC, of what is taken for an event time at all.
type TimeRange struct {
	From time.Time `yaml:"from"`
	To   time.Time `yaml:"to"`
}

// DeadLetter says what dead letters carry.
type DeadLetter struct {
	Payload Payload `yaml:"payload"`
}

// Payload says when a dead letter carries the original bytes, and not only their coordinates.
type Payload string

// The values of Payload.
const (
	PayloadAuto   Payload = "auto" // unless pseudonyms are on
	PayloadAlways Payload = "always"
	PayloadNever  Payload = "never"
)

// Privacy says who appears under a pseudonym.
type Privacy struct {
	Pseudonyms []Party `yaml:"pseudonyms"`
	// KeyFile holds the key of the pseudonyms; "" means the public one that everybody knows.
	KeyFile string `yaml:"key_file"`
}

// Party is somebody who takes part in a shipment.
type Party string

// The values of Party.
const (
	Sender    Party = "sender"
	Recipient Party = "recipient"
)

// Windows says how time is sliced and what is kept.
type Windows struct {
	// Resolutions are ordered from the finest to the coarsest.
	Resolutions []Resolution `yaml:"resolutions"`
	// WorkingSet is how much memory a partition keeps entities in.
	WorkingSet Size `yaml:"working_set"`
	// MaxFields is the number of fields that an entity may have.
	MaxFields int `yaml:"max_fields"`
}

// Resolution slices time into panes of length Slide and keeps them for Keep, a multiple of Slide.
type Resolution struct {
	// Name is one lower-case letter.
	Name  string   `yaml:"name"`
	Slide Duration `yaml:"slide"`
	Keep  Duration `yaml:"keep"`
}

// Detectors says what is unusual.
type Detectors struct {
	Prior       Prior    `yaml:"prior"`
	Limit       Limit    `yaml:"limit"`
	Burst       Counting `yaml:"burst"`
	Surge       Counting `yaml:"surge"`
	Fanout      Counting `yaml:"fanout"`
	Fanin       Counting `yaml:"fanin"`
	LaneBurst   Counting `yaml:"lane_burst"`
	Structuring Counting `yaml:"structuring"`
	Route       Counting `yaml:"route"`
	SlowRoute   Counting `yaml:"slow_route"`
	Weight      Amount   `yaml:"weight"`
	Value       Amount   `yaml:"value"`
}

// Prior is what is taken for usual of anybody until the population profile has learned better.
type Prior struct {
	// Rate is in parcels a day.
	Rate float64 `yaml:"rate"`
	// Dispersion is variance over mean of daily parcels.
	Dispersion float64 `yaml:"dispersion"`
}

// Limit fires at a fixed number of shipments in a window.
type Limit struct {
	Enabled   bool     `yaml:"enabled"`
	Window    Duration `yaml:"window"`
	Shipments int64    `yaml:"shipments"`
}

// Counting fires at a count in a window that the past makes unlikely.
type Counting struct {
	Enabled bool     `yaml:"enabled"`
	Window  Duration `yaml:"window"`
	// Threshold is a score.
	Threshold float64 `yaml:"threshold"`
}

// Amount fires at a single parcel whose weight or value the sender's past makes unlikely.
type Amount struct {
	Enabled bool `yaml:"enabled"`
	// Threshold is a score.
	Threshold float64 `yaml:"threshold"`
}

// Alerts says what is said, and how often.
type Alerts struct {
	// Cooldown is the time in which findings of an open incident are held back; 0 holds nothing back.
	Cooldown Duration `yaml:"cooldown"`
	// Quiet is the event time without a finding after which an incident is over; at least Cooldown.
	Quiet Duration `yaml:"quiet"`
	// UpdateFactor is how many times the last score said a score must be to be said in the cooldown; at least 1.
	UpdateFactor float64  `yaml:"update_factor"`
	Severity     Severity `yaml:"severity"`
}

// Severity holds the scores from which an alert has that severity, ascending; below Medium it is low.
type Severity struct {
	Medium   float64 `yaml:"medium"`
	High     float64 `yaml:"high"`
	Critical float64 `yaml:"critical"`
}

// HTTP says where metrics, health and readiness are served.
type HTTP struct {
	// Address is host:port; without a host all interfaces, with port 0 any free one.
	Address string `yaml:"address"`
	// StuckAfter is how long something may hang until the process is no longer healthy.
	StuckAfter Duration `yaml:"stuck_after"`
}

// Canary says how the service tests itself by made-up events.
type Canary struct {
	// Interval is how often one is written to each partition; 0 means never.
	Interval Duration `yaml:"interval"`
	// Timeout is after how long without its alert one is missing; at most Interval.
	Timeout Duration `yaml:"timeout"`
	// KeyFile holds the key by which the service knows them.
	KeyFile string `yaml:"key_file"`
}

// On tells whether canaries are used.
func (c *Canary) On() bool { return c.Interval > 0 }
