// Package detectortest runs detectors on text that an analyst can read and write: events in, alerts out.
//
// A scenario is a file of lines. An empty line and what follows a # mean nothing; the first comment is the title.
//
//	# A shop that sends two parcels a day sends twenty in two hours.
//	load A 2/day for 60d to X
//	event A to X at 2026-03-02T10:00 x 20 in 2h
//	alert create burst A observed>=6 severity=low
//	flagged A 14
//
// # What happens
//
//	config KEY=VALUE …                  changes settings; before everything else; see Configure for the keys
//	load SENDER N/day for 60d to PLACES a steady past; also N/week
//	     [from 2026-01-01]              default: 2026-01-01, or the day after the sender's latest event
//	     [hours 8-18]                   the hours over which a day's parcels are spread, UTC; 22-6 is a night
//	event SENDER at TIME                one shipment, or with x several
//	     [to PLACES]                    default: the event has no destination
//	     [x 20] [in 2h]                 spread evenly over [TIME, TIME + 2h)
//	     [newest-first]                 they come in last to first, as from a scanner that was offline
//	     [late 1d | early 1h]           the record that carries it is this much younger or older than the event;
//	                                    without, it has no time of its own, as in a file
//	     [type posted] [id E1]          default: no type, an id of its own
//
// PLACES is one place or several, as X,Y,Z, taken in turn; the place called new is another one each time. TIME is
// 2026-03-02, 2026-03-02T10:00 or 2026-03-02T10:00:30, in UTC, or +90m, counted from the latest event of that sender.
// A length of time is written 30s, 90m, 2h, 14d or 1d12h.
//
// Events happen in the order of lines: one that is older than what came before is late.
//
// # What must come of it
//
//	alert create|update|close RULE SENDER [CONDITION …]
//	                       the next alert in order. Every alert must be expected before anything else happens
//	quiet [SENDER]         no alert of the sender, or of anybody, is left to expect
//	flagged SENDER N       this many of its shipments were flagged since the last such line
//	held SENDER N          this many findings were held back by the cooldown since the last such line
//	score RULE SENDER >= N what the rule made of the sender's last event
//	abstain RULE SENDER    it had too little to go by
//	outcome OUTCOME        what became of the last event: counted, not_shipment, duplicate, too_late, future
//	counted SENDER N       this many events of the sender are counted, from the first
//	fields SENDER <= N     this many fields its counts take in the store
//
// A CONDITION compares without spaces: observed>=15, expected<1, score>=4, items=14, held=0 or counterfactual=5 with
// >=, <=, >, < or =; severity=high, baseline=own or population, late=yes or no, event=E1, reasons=limit+burst with =.
//
// # Restarts
//
// Every scenario is played on two sets of entities at once: one stays in memory, the other goes through a store after
// every event, as if the process were restarted each time. Their conclusions must be the same, so a scenario that
// passes also shows that nothing but what is stored decides.
package detectortest
