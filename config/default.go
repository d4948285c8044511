package config

import "time"

const (
	kib Size = 1 << 10
	mib Size = 1 << 20
	gib Size = 1 << 30

	millisecond = Duration(time.Millisecond)
	second      = Duration(time.Second)
	minute      = Duration(time.Minute)
	hour        = Duration(time.Hour)
	day         = 24 * hour
)

// Default gives the configuration that an empty file loads to. The shipped parcelsentry.yaml states the same values
// and gives the reason for each. The slices belong to the caller.
func Default() Config {
	return Config{
		Kafka: Kafka{
			Brokers:  []string{"127.0.0.1:9092"},
			Group:    "parcelsentry",
			ClientID: "parcelsentry",
			Topics: Topics{
				Shipments:   "shipments",
				Alerts:      "high-risk-alerts",
				Flagged:     "flagged-shipments",
				DeadLetters: "dead-letters",
				Canary:      "canary-alerts",
			},
			Start:             Earliest,
			FetchBytes:        512 * kib,
			FetchWait:         100 * millisecond,
			CommitInterval:    1 * second,
			SessionTimeout:    6 * second,
			HeartbeatInterval: 1 * second,
			RebalanceTimeout:  10 * second,
			Compression:       CompressionSnappy,
		},
		Redis: Redis{
			Addresses:          []string{"127.0.0.1:6379"},
			Timeout:            5 * second,
			RetentionMargin:    30 * day,
			FlushInterval:      500 * millisecond,
			FlushEvents:        20_000,
			MaxUnflushed:       200_000,
			CheckpointInterval: 1 * minute,
		},
		Events: Events{
			AllowedLateness: 30 * day,
			ClockTolerance:  1 * hour,
			TimeRange: TimeRange{
				From: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
				To:   time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
			},
			MaxBytes:      1 * mib,
			ShipmentTypes: []string{"posted"},
			DeadLetter:    DeadLetter{Payload: PayloadAuto},
		},
		Privacy: Privacy{Pseudonyms: []Party{Sender, Recipient}},
		Windows: Windows{
			Resolutions: []Resolution{
				{Name: "h", Slide: 1 * hour, Keep: 50 * hour},
				{Name: "d", Slide: 1 * day, Keep: 120 * day},
				{Name: "m", Slide: 30 * day, Keep: 360 * day},
			},
			WorkingSet: 256 * mib,
			MaxFields:  512,
		},
		Detectors: Detectors{
			Prior:       Prior{Rate: 0.25, Dispersion: 1},
			Limit:       Limit{Enabled: true, Window: 24 * hour, Shipments: 200},
			Burst:       Counting{Enabled: true, Window: 6 * hour, Threshold: 3.7},
			Surge:       Counting{Enabled: true, Window: 14 * day, Threshold: 3.7},
			Fanout:      Counting{Enabled: true, Window: 6 * hour, Threshold: 3.7},
			Fanin:       Counting{Enabled: true, Window: 2 * day, Threshold: 3.7},
			LaneBurst:   Counting{Enabled: true, Window: 24 * hour, Threshold: 3.7},
			Structuring: Counting{Enabled: true, Window: 24 * hour, Threshold: 3.7},
			Route:       Counting{Enabled: true, Window: 24 * hour, Threshold: 3.7},
			SlowRoute:   Counting{Enabled: true, Window: 14 * day, Threshold: 3.7},
			Weight:      Amount{Enabled: true, Threshold: 3.7},
			Value:       Amount{Enabled: true, Threshold: 3.7},
		},
		Alerts: Alerts{
			Cooldown:     7 * day,
			Quiet:        7 * day,
			UpdateFactor: 2.5,
			Severity:     Severity{Medium: 6, High: 8, Critical: 12},
		},
		HTTP:   HTTP{Address: "127.0.0.1:9700", StuckAfter: 5 * minute},
		Canary: Canary{Timeout: 1 * minute},
	}
}
