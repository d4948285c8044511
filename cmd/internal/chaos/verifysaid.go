package chaos

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// verifyLetters compares the dead letters: each must be there, with its reason, and no other.
func (r *Run) verifyLetters(ctx context.Context, o *oracle) error {
	said := map[string]bool{}
	err := r.kafka.Read(ctx, r.config.Kafka.Topics.DeadLetters, 1, func(m *kgo.Record) error {
		h := map[string]string{}
		for _, header := range m.Headers {
			h[header.Key] = string(header.Value)
		}
		said[fmt.Sprintf("%s at %s/%s", h["reason"], h["partition"], h["offset"])] = true
		return nil
	})
	if err != nil {
		return err
	}
	missing, extra := apart(o.letters, said)
	extra = r.beyond(extra)
	r.result.Letters, r.result.LettersMissing = len(o.letters), len(missing)
	r.complain("dead letters are missing", missing)
	r.complain("dead letters should not be", extra)
	return nil
}

// apart gives the names that only one side has.
func apart[V, W any](want map[string]V, got map[string]W) (missing, extra []string) {
	for name := range want {
		if _, ok := got[name]; !ok {
			missing = append(missing, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			extra = append(extra, name)
		}
	}
	slices.Sort(missing)
	slices.Sort(extra)
	return missing, extra
}

// beyond gives what should not have been said.
func (r *Run) beyond(extra []string) []string {
	if r.scenario.setup.saysMore {
		return nil
	}
	return extra
}

func (r *Run) complain(what string, names []string) {
	if n := len(names); n > 0 {
		r.result.problem("%d %s, such as %s", n, what, strings.Join(names[:min(n, 3)], ", "))
	}
}

// verifyAlerts compares alerts of senders, and the shipments flagged in their incidents, with a replay of the log in
// memory under the profiles that the service has recorded. What is concluded of recipients and lanes, which several
// partitions feed, depends on the order in which these are read.
func (r *Run) verifyAlerts(ctx context.Context, o *oracle, set *detector.Set, d pipeline.Decoder) error {
	want := said{alerts: map[string]string{}, flags: map[string]bool{}}
	profiles, err := r.profiles(ctx, set)
	if err != nil {
		return err
	}
	slices.SortStableFunc(o.lines, func(a, b pipeline.Record) int { return a.Time.Compare(b.Time) })
	_, err = backtest.Replay(ctx, backtest.Options{
		Set: set, Decoder: d, Lines: &lines{o.lines}, Name: "log", WorkingSet: 16 << 20, Log: quiet(), Profiles: profiles,
		AppendAlert: func(b []byte, a *detector.Alert) []byte {
			want.alert(a)
			return b
		},
		Alerts: io.Discard,
		Flag:   want.flag,
	})
	if err != nil {
		return err
	}
	got := said{alerts: map[string]string{}, flags: map[string]bool{}}
	if err := r.readAlerts(ctx, &got); err != nil {
		return err
	}
	if err := r.readFlags(ctx, &got); err != nil {
		return err
	}
	if n := r.result.AlertsRepeated; n > 0 && r.scenario.setup.clean && !r.cutShort() {
		r.result.problem("%d alerts are repeated, although all members ended well", n)
	}
	missing, extra := apart(want.alerts, got.alerts)
	r.result.Alerts, r.result.AlertsMissing = len(want.alerts), len(missing)
	extra = r.beyond(extra)
	r.complain("alerts are missing", missing)
	r.complain("alerts should not be", extra)
	expected := want.ofSenders()
	missing, extra = apart(expected, got.ofSenders())
	extra = r.beyond(extra)
	r.result.Flags, r.result.FlagsMissing = len(expected), len(missing)
	r.complain("flagged shipments are missing", missing)
	r.complain("flagged shipments should not be", extra)
	if len(want.alerts) == 0 || len(expected) == 0 {
		r.result.problem("the log makes no alerts, so this run shows nothing of them")
	}
	return nil
}

// said are alerts of senders, and flags.
type said struct {
	alerts map[string]string // the incident, by the alert's id
	flags  map[string]bool   // event and incident
}

func (s *said) alert(a *detector.Alert) {
	if a.Entity.Kind == detector.KindSender {
		s.alerts[a.ID] = a.Fingerprint
	}
}

func (s *said) flag(f *detector.Flag) { s.flags[f.EventID+" "+f.Fingerprint] = true }

// ofSenders are the flags of incidents that have an alert of a sender.
func (s *said) ofSenders() map[string]bool {
	incidents := map[string]bool{}
	for _, fingerprint := range s.alerts {
		incidents[fingerprint] = true
	}
	flags := map[string]bool{}
	for flag := range s.flags {
		if _, fingerprint, _ := strings.Cut(flag, " "); incidents[fingerprint] {
			flags[flag] = true
		}
	}
	return flags
}

// readAlerts reads the alerts. One of a sender may come again, but then the same, but for a profile that was lost.
func (r *Run) readAlerts(ctx context.Context, got *said) error {
	type body struct{ value, profile string }
	first := map[string]body{}
	return r.kafka.Read(ctx, r.config.Kafka.Topics.Alerts, outputPartitions, func(m *kgo.Record) error {
		a, err := codec.ParseAlert(m.Value)
		if err != nil {
			return fmt.Errorf("an alert that can't be read: %w", err)
		}
		got.alert(&a)
		if a.Entity.Kind != detector.KindSender {
			return nil
		}
		before, repeated := first[a.ID]
		if !repeated {
			first[a.ID] = body{string(m.Value), a.ProfileID}
			return nil
		}
		r.result.AlertsRepeated++
		if before.value != string(m.Value) && before.profile == a.ProfileID {
			r.result.problem("alert %s is said in two ways:\n  %s\n  %s", a.ID, before.value, m.Value)
		}
		return nil
	})
}

// cutShort tells that a member had too little time to end well, as on a machine that is too busy.
func (r *Run) cutShort() bool {
	return slices.ContainsFunc(r.members, func(m *member) bool {
		return m.logged("stopped before everything was flushed") || m.logged("not committed, the next owner")
	})
}

func (r *Run) readFlags(ctx context.Context, got *said) error {
	return r.kafka.Read(ctx, r.config.Kafka.Topics.Flagged, outputPartitions, func(m *kgo.Record) error {
		f, err := codec.ParseFlag(m.Value)
		got.flag(&f)
		return err
	})
}

// profiles are those that the service has decided on.
func (r *Run) profiles(ctx context.Context, set *detector.Set) (pipeline.Profiles, error) {
	recorded, err := redisstore.NewProfiles(r.client, redisstore.Layout(set.Layout()...)).Recorded(ctx)
	if err != nil {
		return nil, err
	}
	chain := pipeline.NewProfileChain(set)
	return chain, chain.Record(recorded)
}

// lines are records for a replay.
type lines struct{ rest []pipeline.Record }

func (l *lines) Next() ([]byte, error) {
	if len(l.rest) == 0 {
		return nil, io.EOF
	}
	value := l.rest[0].Value
	l.rest = l.rest[1:]
	return value, nil
}
