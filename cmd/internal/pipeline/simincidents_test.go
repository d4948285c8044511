package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// find notes what is found of recipients and lanes, whether or not it is theirs to tell.
func (s *simulation) find(e *detector.Event, c *detector.Conclusion) {
	if s.set.Admit(e) == detector.Counted { // else nothing judges it
		panicAtPoison(e, c)
	}
	if s.kind != simShared {
		return
	}
	for i := range c.Findings {
		f := &c.Findings[i]
		if !f.Over() {
			continue
		}
		till := e.Time.Add(simQuiet)
		if f.Window.End.After(till) { // events that came before, and are later
			till = f.Window.End
		}
		switch f.Rule {
		case "fanin":
			s.found = append(s.found, sharedIncident{"recipient " + string(e.Recipient), e.Time, till, f.Score})
		case "lane_burst":
			s.found = append(s.found, sharedIncident{"lane " + string(e.Origin+" > "+e.Destination), e.Time, till, f.Score})
		}
	}
}

// simClear is a score that is over the threshold in whatever order the partitions are read. What comes late from one of
// them makes an entity look busier, or not, to whoever judges the next event.
const simClear = 4.5

// compareIncidents reads all partitions as one, in the order in which the records were written. Whatever clear incident
// of a recipient or a lane such a reader tells of, somebody told of or found.
func (s *simulation) compareIncidents(o *oracle) string {
	if s.kind != simShared {
		return ""
	}
	got := slices.Concat(incidentsOf(s.alerts()), s.found)
	for _, missing := range without(incidentsOf(s.readAsOne(o)), got) {
		if missing.score < simClear || s.foundBefore(missing) {
			continue
		}
		return fmt.Sprintf("nobody told of the incident of %s", missing)
	}
	return ""
}

// foundBefore tells that the incident goes on with what was found in its window with at least its score: it begins anew for
// the single reader only because the one before was quiet for long enough.
func (s *simulation) foundBefore(i sharedIncident) bool {
	return slices.ContainsFunc(s.found, func(f sharedIncident) bool {
		return f.entity == i.entity && f.score >= i.score && f.from.Before(i.from) && i.from.Sub(f.from) < 24*time.Hour
	})
}

func (s *simulation) alerts() (all []*detector.Alert) {
	for _, n := range s.sayings {
		if a := s.said[n].alert; a != nil {
			all = append(all, a)
		}
	}
	return all
}

// readAsOne gives the alerts of recipients and lanes about which something certain can be said.
func (s *simulation) readAsOne(o *oracle) (all []*detector.Alert) {
	type read struct {
		record *Record
		placed placed
	}
	var log []read
	for _, l := range s.logs {
		for i := range l.produced {
			if l.dead[i] == "" && s.writer.deeds[l.deeds[i]].what == deedShipment {
				log = append(log, read{&l.records[i], l.placed(i)})
			}
		}
	}
	slices.SortStableFunc(log, func(a, b read) int { return a.record.Time.Compare(b.record.Time) })
	subjects := map[windows.Key]*detector.Subject{}
	for _, r := range log {
		d := &s.writer.deeds[r.placed.deed]
		e := o.event(r.placed)
		var them detector.Subjects
		for _, key := range d.keys {
			if subjects[key] == nil {
				subjects[key], _ = detector.NewSubject(windows.NewEntity(key))
			}
			them.Set(subjects[key])
		}
		c := s.set.Observe(&e, them, s.kit.profile(detector.Day(e.Time)), detector.NewSums())
		for i := range c.Alerts {
			// A late event may open another incident in the time of one that is closed already.
			if key := keyOf(d, c.Alerts[i].Entity.Kind); !c.Alerts[i].Late && !s.harmed[key] && !s.uncertain(o, d) {
				all = append(all, &c.Alerts[i])
			}
		}
	}
	return all
}

// uncertain tells that one of the entities of an event has records in another incarnation of the topic, or lacks some.
func (s *simulation) uncertain(o *oracle, d *deed) bool {
	return slices.ContainsFunc(d.keys, func(k windows.Key) bool { return s.harmed[k] || o.history.reborn[k] })
}

func keyOf(d *deed, kind windows.Kind) windows.Key {
	i := slices.IndexFunc(d.keys, func(k windows.Key) bool { return k.Kind == kind })
	return d.keys[max(i, 0)]
}

// incidentsOf puts alerts of recipients and lanes together by their fingerprints.
func incidentsOf(alerts []*detector.Alert) (all []sharedIncident) {
	at := map[string]int{}
	for _, a := range alerts {
		if a.Entity.Kind == detector.KindSender || a.Activity == detector.Close {
			continue
		}
		i, known := at[a.Fingerprint]
		if !known {
			i, at[a.Fingerprint] = len(all), len(all)
			all = append(all, sharedIncident{entity: strings.Join([]string{string(a.Entity.Kind), a.Entity.ID}, " "), from: a.EventAt})
		}
		if a.EventAt.Before(all[i].from) {
			all[i].from = a.EventAt
		}
		if a.QuietUntil.After(all[i].till) {
			all[i].till = a.QuietUntil
		}
		all[i].score = max(all[i].score, a.Score)
	}
	return all
}
