package detector

import "github.com/parcelsentry/parcelsentry/windows"

// way is where an event's parcel goes, as second keys, and how likely that is for anybody: worked out once for all who
// ask. It is for one event and one profile.
type way struct {
	origin, destination windows.Sub // zero for none
	chance              float64     // see anybody; 0 is not worked out yet
}

func wayOf(e *Event) way {
	return way{origin: placeSub(e.Origin), destination: placeSub(e.Destination)}
}

// anybody is the chance that a parcel of anybody from the origin goes to the destination.
func (w *way) anybody(p *Profile) float64 {
	if w.chance == 0 {
		w.chance = p.place(w.origin, w.destination)
	}
	return w.chance
}
