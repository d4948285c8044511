package config

import (
	"net"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Validate reports all settings that cannot work, as an *Error without positions. What Load returned is valid.
func (c Config) Validate() error {
	d := newDecoder()
	c.check(&checker{d})
	return asError(d.faults)
}

func (c *Config) check(k *checker) {
	c.Kafka.check(k)
	c.Redis.check(k)
	c.Events.check(k)
	c.Privacy.check(k)
	c.Windows.check(k)
	c.Detectors.check(k, c.Windows.Resolutions)
	c.Alerts.check(k)
	c.HTTP.check(k, c)
	c.Canary.check(k)
}

func (c *HTTP) check(k *checker, all *Config) {
	k.hostPort("http.address", c.Address, listening)
	between(k, "http.stuck_after", c.StuckAfter, 2*minute, 24*hour)
	// An attempt sends a few commands, each of them four times at most.
	const attempt = 20
	k.relate(c.StuckAfter >= attempt*all.Redis.Timeout, []string{"http.stuck_after", "redis.timeout"},
		"http.stuck_after (%v) must be at least %d times redis.timeout (%v), or waiting for Redis passes for hanging",
		c.StuckAfter, attempt, all.Redis.Timeout)
	k.relate(c.StuckAfter >= 2*all.Kafka.RebalanceTimeout, []string{"http.stuck_after", "kafka.rebalance_timeout"},
		"http.stuck_after (%v) must be at least twice kafka.rebalance_timeout (%v), or waiting for other members passes for hanging",
		c.StuckAfter, all.Kafka.RebalanceTimeout)
}

func (c *Kafka) check(k *checker) {
	k.hostPorts("kafka.brokers", c.Brokers)
	k.text("kafka.group", c.Group)
	k.text("kafka.client_id", c.ClientID)
	c.Topics.check(k)
	oneOf(k, "kafka.start", c.Start, Earliest, Latest)
	between(k, "kafka.fetch_bytes", c.FetchBytes, 16*kib, 10_000_000)
	between(k, "kafka.fetch_wait", c.FetchWait, 10*millisecond, 5*second)
	between(k, "kafka.commit_interval", c.CommitInterval, 100*millisecond, minute)
	between(k, "kafka.session_timeout", c.SessionTimeout, second, 5*minute)
	between(k, "kafka.heartbeat_interval", c.HeartbeatInterval, 100*millisecond, 2*minute)
	k.relate(2*c.HeartbeatInterval < c.SessionTimeout, []string{"kafka.heartbeat_interval", "kafka.session_timeout"},
		"kafka.heartbeat_interval (%v) must be less than half of kafka.session_timeout (%v), or one lost heartbeat ends the session",
		c.HeartbeatInterval, c.SessionTimeout)
	between(k, "kafka.rebalance_timeout", c.RebalanceTimeout, second, 10*minute)
	oneOf(k, "kafka.compression", c.Compression,
		CompressionNone, CompressionGzip, CompressionSnappy, CompressionLZ4, CompressionZstd)
}

// topicName is what Kafka takes for one, besides . and ..
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (c *Topics) check(k *checker) {
	used := map[string]string{}
	for path, v := range settings(reflect.ValueOf(c).Elem(), "kafka.topics") {
		name := v.String()
		k.require(topicName.MatchString(name) && name != "." && name != "..", []string{path},
			"must be a topic name, 1 to 249 of a-z A-Z 0-9 . _ -, is %s", show(name))
		other, taken := used[name]
		k.relate(!taken, []string{path, other}, "%s and %s are both %s: each needs a topic of its own", other, path, show(name))
		used[name] = path
	}
}

func (c *Redis) check(k *checker) {
	k.hostPorts("redis.addresses", c.Addresses)
	k.relate(c.Cluster || len(c.Addresses) <= 1, []string{"redis.addresses", "redis.cluster"},
		"redis.addresses has %d servers, but redis.cluster is false: give one, or set redis.cluster to true", len(c.Addresses))
	k.optional("redis.username", c.Username)
	k.optional("redis.password_file", c.PasswordFile)
	between(k, "redis.database", c.Database, 0, 15)
	k.relate(!c.Cluster || c.Database == 0, []string{"redis.database", "redis.cluster"},
		"redis.database (%d) must be 0 where redis.cluster is true: a cluster has no other", c.Database)
	between(k, "redis.timeout", c.Timeout, 100*millisecond, minute)
	between(k, "redis.retention_margin", c.RetentionMargin, 0, 365*day)
	between(k, "redis.flush_interval", c.FlushInterval, 10*millisecond, minute)
	between(k, "redis.flush_events", c.FlushEvents, 1, 1_000_000)
	between(k, "redis.max_unflushed", c.MaxUnflushed, 1, 100_000_000)
	k.relate(c.MaxUnflushed >= c.FlushEvents, []string{"redis.max_unflushed", "redis.flush_events"},
		"redis.max_unflushed (%d) must be at least redis.flush_events (%d), or fetching stops before a flush is due",
		c.MaxUnflushed, c.FlushEvents)
	between(k, "redis.checkpoint_interval", c.CheckpointInterval, second, hour)
}

func (c *Events) check(k *checker) {
	between(k, "events.allowed_lateness", c.AllowedLateness, 0, 366*day)
	between(k, "events.clock_tolerance", c.ClockTolerance, 0, 30*day)
	c.TimeRange.check(k)
	between(k, "events.max_bytes", c.MaxBytes, 1*kib, 10*mib)
	between(k, "events.duplicate_horizon", c.DuplicateHorizon, 0, 30*day)
	between(k, "events.item_horizon", c.ItemHorizon, 0, 30*day)
	for i, t := range c.ShipmentTypes {
		k.text(item("events.shipment_types", i), t)
		k.require(t != canaryType, []string{item("events.shipment_types", i)}, "%s is the type of the service's own canaries, which are no shipments", t)
	}
	distinct(k, "events.shipment_types", c.ShipmentTypes)
	oneOf(k, "events.dead_letter.payload", c.DeadLetter.Payload, PayloadAuto, PayloadAlways, PayloadNever)
}

// canaryType is the event type of canaries.
const canaryType = "parcelsentry_canary"

func (c *Canary) check(k *checker) {
	k.require(c.Interval == 0 || c.Interval >= second && c.Interval <= day, []string{"canary.interval"},
		"must be 0s or from 1s to 1d, is %v", c.Interval)
	between(k, "canary.timeout", c.Timeout, second, hour)
	k.optional("canary.key_file", c.KeyFile)
	if !c.On() {
		return
	}
	k.relate(c.Timeout <= c.Interval, []string{"canary.timeout", "canary.interval"},
		"canary.timeout (%v) must be at most canary.interval (%v), or the next one leaves before the last is missed", c.Timeout, c.Interval)
	k.relate(c.KeyFile != "", []string{"canary.interval", "canary.key_file"},
		"canary.key_file must be set where canary.interval (%v) is: anybody could pass as a canary otherwise", c.Interval)
}

func (c *TimeRange) check(k *checker) {
	// No shipment is older than 1900, and nanoseconds in an int64 end in 2262.
	first, last := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
	from, to := c.From.Format(time.RFC3339), c.To.Format(time.RFC3339)
	inside := func(t time.Time) bool { return !t.Before(first) && !t.After(last) }
	k.require(inside(c.From), []string{"events.time_range.from"}, "must be from 1900-01-01 to 2262-01-01, is %s", from)
	k.require(inside(c.To), []string{"events.time_range.to"}, "must be from 1900-01-01 to 2262-01-01, is %s", to)
	k.relate(c.From.Before(c.To), []string{"events.time_range.from", "events.time_range.to"},
		"events.time_range.from (%s) must be before events.time_range.to (%s)", from, to)
}

func (c *Privacy) check(k *checker) {
	for i, p := range c.Pseudonyms {
		oneOf(k, item("privacy.pseudonyms", i), p, Sender, Recipient)
	}
	distinct(k, "privacy.pseudonyms", c.Pseudonyms)
	k.optional("privacy.key_file", c.KeyFile)
}

func (c *Detectors) check(k *checker, ladder []Resolution) {
	between(k, "detectors.prior.rate", c.Prior.Rate, 1e-6, 1000)
	between(k, "detectors.prior.dispersion", c.Prior.Dispersion, 1, 100)
	between(k, "detectors.limit.shipments", c.Limit.Shipments, 1, 1_000_000_000)
	if c.Limit.Enabled {
		k.window("detectors.limit", c.Limit.Window, ladder)
	}
	c.Burst.check(k, "detectors.burst", ladder, fromDays)
	c.Surge.check(k, "detectors.surge", ladder, fromDays)
	c.Fanout.check(k, "detectors.fanout", ladder, fromDays)
	c.Fanin.check(k, "detectors.fanin", ladder, fromDays)
	c.LaneBurst.check(k, "detectors.lane_burst", ladder, fromDays)
	c.Structuring.check(k, "detectors.structuring", ladder, fromDays)
	c.Route.check(k, "detectors.route", ladder, !fromDays)
	c.SlowRoute.check(k, "detectors.slow_route", ladder, !fromDays)
	score(k, "detectors.weight.threshold", c.Weight.Threshold)
	score(k, "detectors.value.threshold", c.Value.Threshold)
}

// fromDays says that a detector learns from panes of a day.
const fromDays = true

func (c *Counting) check(k *checker, path string, ladder []Resolution, learnsFromDays bool) {
	score(k, path+".threshold", c.Threshold)
	if !c.Enabled {
		return
	}
	k.window(path, c.Window, ladder)
	if learnsFromDays {
		k.days(path, ladder)
	}
}

func (c *Alerts) check(k *checker) {
	between(k, "alerts.cooldown", c.Cooldown, 0, 30*day)
	between(k, "alerts.quiet", c.Quiet, minute, 90*day)
	k.relate(c.Quiet >= c.Cooldown, []string{"alerts.quiet", "alerts.cooldown"},
		"alerts.quiet (%v) must be at least alerts.cooldown (%v), or an incident is over before its cooldown is", c.Quiet, c.Cooldown)
	between(k, "alerts.update_factor", c.UpdateFactor, 1, 100)
	s := c.Severity
	score(k, "alerts.severity.medium", s.Medium)
	score(k, "alerts.severity.high", s.High)
	score(k, "alerts.severity.critical", s.Critical)
	const ascending = "%s (%v) must be above %s (%v)"
	k.relate(s.High > s.Medium, []string{"alerts.severity.high", "alerts.severity.medium"},
		ascending, "alerts.severity.high", s.High, "alerts.severity.medium", s.Medium)
	k.relate(s.Critical > s.High, []string{"alerts.severity.critical", "alerts.severity.high"},
		ascending, "alerts.severity.critical", s.Critical, "alerts.severity.high", s.High)
}

// listening addresses may leave out the host and ask for any port.
const listening = true

func (k *checker) hostPorts(path string, addresses []string) {
	k.require(len(addresses) > 0, []string{path}, "must have at least one host:port")
	for i, a := range addresses {
		k.hostPort(item(path, i), a, !listening)
	}
	distinct(k, path, addresses)
}

func (k *checker) hostPort(path, address string, listens bool) {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.ParseUint(port, 10, 16)
	ok := err == nil && bad == nil && (listens || host != "" && n > 0) && printable(host) && !strings.ContainsAny(host, " /@")
	k.require(ok, []string{path}, "must be host:port without a scheme, such as host.example:1234 or [::1]:1234, is %s", show(address))
}

// text must be there; 255 bytes are enough for any name.
func (k *checker) text(path, s string) {
	k.require(s != "", []string{path}, "must not be empty")
	k.optional(path, s)
}

// optional text may be empty. It bounds paths of files too.
func (k *checker) optional(path, s string) {
	const most = 255
	k.require(len(s) <= most && printable(s), []string{path}, "must be printable text of at most %d bytes, is %s", most, show(s))
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
