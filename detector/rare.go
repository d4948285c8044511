package detector

import (
	"bytes"
	"math"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// rare lists the least used places of an entity: one that has as many places as it may folds one for each new one, and
// need not look through all of them each time. What it gives is what looking would give. The zero rare knows nothing.
type rare struct {
	newest int64       // pane of the coarsest resolution: with the next one some parcels expire
	places []usedPlace // the least used first
	beyond usedPlace   // comes before no place that is not listed
}

// usedPlace is a place and how many parcels went there. Of those used as often the first by name comes first.
type usedPlace struct {
	parcels int64
	place   windows.Sub
}

func (p usedPlace) compare(other usedPlace) int {
	switch {
	case p.parcels < other.parcels:
		return -1
	case p.parcels > other.parcels:
		return 1
	}
	return bytes.Compare(p.place[:], other.place[:])
}

// mostRare is how many places are listed: 16 bytes each, and one look for about as many folds.
const mostRare = 32

// look lists the least used places anew.
func (r *rare) look(e *windows.Entity, all windows.Resolution) {
	r.newest, _ = e.Newest(all)
	r.places, r.beyond = r.places[:0], usedPlace{parcels: math.MaxInt64}
	for sub, panes := range e.Subs(measurePlaces, all) {
		if sub != windows.Others {
			r.list(usedPlace{parcelsIn(panes), sub})
		}
	}
}

// expire forgets all places if parcels may have expired since the look.
func (r *rare) expire(e *windows.Entity, all windows.Resolution) {
	if newest, _ := e.Newest(all); newest != r.newest {
		r.places, r.beyond = r.places[:0], usedPlace{}
	}
}

// follow takes in that a parcel to the place was counted.
func (r *rare) follow(e *windows.Entity, all windows.Resolution, place windows.Sub) {
	if i := slices.IndexFunc(r.places, func(p usedPlace) bool { return p.place == place }); i >= 0 {
		r.places = slices.Delete(r.places, i, i+1)
	}
	if panes := e.Panes(measurePlaces, all, place); anyIn(panes) {
		r.list(usedPlace{parcelsIn(panes), place})
	}
}

// list takes in a place that is not listed.
func (r *rare) list(p usedPlace) {
	if p.compare(r.beyond) >= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(r.places, p, usedPlace.compare)
	r.places = slices.Insert(r.places, i, p)
	if len(r.places) > mostRare {
		r.places, r.beyond = r.places[:mostRare], r.places[mostRare]
	}
}

// take gives the least used place but keep, and lists it no more; false if none is listed.
func (r *rare) take(keep windows.Sub) (usedPlace, bool) {
	i := slices.IndexFunc(r.places, func(p usedPlace) bool { return p.place != keep })
	if i < 0 {
		return usedPlace{}, false
	}
	p := r.places[i]
	r.places = slices.Delete(r.places, i, i+1)
	return p, true
}

// anyIn tells that some pane holds parcels: those of a place that was folded stay, empty, until they are stored.
func anyIn(panes []windows.PaneCount) bool {
	return slices.ContainsFunc(panes, func(p windows.PaneCount) bool { return p.N != 0 })
}

// parcelsIn adds up all panes.
func parcelsIn(panes []windows.PaneCount) (n int64) {
	for i := range panes {
		n += panes[i].N
	}
	return n
}
