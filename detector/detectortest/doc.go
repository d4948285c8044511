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
//	load SENDERS N/day for 60d to NAMES a steady past; also N/week
//	     [since 2026-01-01]             default: 2026-01-01, or the day after the first sender's latest event
//	     [hours 8-18]                   the hours over which a day's parcels are spread, UTC; 22-6 is a night
//	event SENDERS at TIME               one shipment, or with x several
//	     [to NAMES]                     default: the event has no destination
//	     [x 20] [in 2h]                 spread evenly over [TIME, TIME + 2h); without in all at once
//	     [newest-first]                 they come in last to first, as from a scanner that was offline
//	     [late 1d | early 1h]           the record that carries it is this much younger or older than the event;
//	                                    without, it has no time of its own, as in a file
//	     [type posted] [id E1] [item I1]  default: no type, an id and an item of its own
//
// Both take what else there is to a shipment; without, the event lacks it:
//
//	[from NAMES]                   the origin: together with the destination it makes a lane
//	[recipient NAMES]
//	[weight 900g,1200g]            in grams
//	[value 120]
//
// SENDERS and NAMES are one name or several, as X,Y,Z, taken in turn, and numbers likewise; S1..S20 are twenty names,
// and the name new is another one each time. TIME is 2026-03-02, 2026-03-02T10:00 or 2026-03-02T10:00:30, in UTC, or
// +90m, counted from the latest event of the first sender. A length of time is written 30s, 90m, 2h, 14d or 1d12h.
//
// Events happen in the order of lines: one that is older than what came before is late. The population profile is
// learned from them as the service does it, once a day of event time: a day is judged by what was seen before its first
// event.
//
// # What must come of it
//
//	alert create|update|close RULE SUBJECT [CONDITION …]
//	                        the next alert in order. Every alert must be expected before anything else happens
//	quiet [SUBJECT]         no alert of the subject, or of anybody, is left to expect
//	flagged SUBJECT N       this many shipments that concern it were flagged since the last such line
//	held SUBJECT N          for this many shipments an alert was held back by the cooldown since the last such line
//	score RULE SUBJECT >= N what the rule made of its last event
//	abstain RULE SUBJECT    it had too little to go by
//	outcome OUTCOME         what became of the last event: counted, not_shipment, duplicate, same_item,
//	                        too_late, future
//	counted SUBJECT N       this many events of it are counted, from the first
//	fields SUBJECT <= N     this many fields its counts take in the store
//
// A SUBJECT is a sender: A, or sender A; or recipient R, or lane X>Y. A CONDITION compares without spaces: observed>=15,
// expected<1, score>=4, items=14, held=0, counterfactual=5 or one_in>100 with >=, <=, >, < or =; severity=high,
// baseline=own or population, late=yes or no, event=E1, reasons=limit+burst with =.
//
// # Restarts
//
// Every scenario is played on two sets of entities at once: one stays in memory, the other goes through a store after
// every event, as if the process were restarted each time. Their conclusions, and what they teach the profile, must be
// the same, so a scenario that passes also shows that nothing but what is stored decides.
package detectortest
