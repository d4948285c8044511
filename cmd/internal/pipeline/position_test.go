package pipeline

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// fencesAt gives every bucket a fence at offset, but for those that except names: another offset, or none by gone.
func fencesAt(offset int64, except map[int]int64) *windows.Fences {
	f := &windows.Fences{Source: windows.Source{Topic: "shipments"}}
	for b := range f.At {
		f.At[b], f.Present[b] = windows.Fence{Offset: offset, Time: simEpoch}, true
		if other, ok := except[b]; ok {
			f.At[b].Offset, f.Present[b] = other, other != gone
		}
	}
	return f
}

// namelessAt gives fences that name no record: of a checkpoint that notes what is lost or, begun, of a Begin that was cut short
// before bucket 0.
func namelessAt(offset int64, begun bool, except map[int]int64) *windows.Fences {
	f := fencesAt(offset, except)
	for b := range f.At {
		f.At[b].Time, f.At[b].Begun = time.Time{}, begun
	}
	return f
}

const gone = -7

func TestDecide(t *testing.T) {
	const none = windows.NoOffset
	nothing := &windows.Fences{Source: windows.Source{Topic: "shipments"}}
	half := map[int]int64{}
	for b := range windows.Buckets / 2 {
		half[b] = gone
	}
	tests := []struct {
		name     string
		in       standing
		atEnd    bool
		position int64
		begin    int64 // gone for no Begin
		cause    string
		lost     int64
		epoch    int
	}{
		{"never read", standing{fences: nothing, first: 100, end: 500, committed: none}, false, 100, 99, causeFirst, 0, 0},
		{"never read, an empty log", standing{fences: nothing, committed: none}, false, 0, -1, causeFirst, 0, 0},
		{"never read, from the end", standing{fences: nothing, first: 100, end: 500, committed: none}, true, 500, 499, causeFirst, 0, 0},
		{"resume", standing{fences: fencesAt(299, nil), first: 100, end: 500, committed: 300}, false, 300, gone, causeResume, 0, 0},
		{"resume is not at the end", standing{fences: fencesAt(299, nil), first: 100, end: 500, committed: 300}, true, 300, gone, causeResume, 0, 0},
		{"begun, nothing counted yet", standing{fences: fencesAt(none, nil), end: 500, committed: none}, false, 0, gone, causeResume, 0, 0},
		{"a bucket lags behind", standing{fences: fencesAt(299, map[int]int64{7: 150}), first: 100, end: 500, committed: 300}, false, 151, gone, causeResume, 0, 0},
		{"committed below the fences", standing{fences: fencesAt(299, nil), first: 100, end: 500, committed: 200}, false, 200, gone, causeResume, 0, 0},
		{"committed above the fences: the store fell back", standing{fences: fencesAt(199, nil), first: 100, end: 500, committed: 300}, false, 200, gone, causeResume, 0, 0},
		{"everything read", standing{fences: fencesAt(499, nil), first: 100, end: 500, committed: 500}, false, 500, gone, causeResume, 0, 0},
		{"all fences gone", standing{fences: nothing, first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 100, 0},
		{"all fences gone, even from the end", standing{fences: nothing, first: 100, end: 500, committed: 300}, true, 100, 99, causeLostState, 100, 0},
		{"some fences gone", standing{fences: fencesAt(299, map[int]int64{7: gone}), first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 100, 0},
		{"bucket 0 gone with an offset committed", standing{fences: fencesAt(299, map[int]int64{0: gone}), first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 100, 0},
		{"some fences gone, another below the log", standing{fences: fencesAt(299, map[int]int64{7: gone, 8: 49}), first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 100, 0},
		{"fences gone after a checkpoint, before the first commit", standing{fences: fencesAt(299, half), first: 100, end: 500, committed: none}, false, 100, 99, causeLostState, 100, 0},
		{"all fences gone, but what is before the log came from files", standing{fences: nothing, cuts: fencesAt(7, nil), first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 0, 0},
		{"all fences gone, and some buckets came from files", standing{fences: nothing, cuts: fencesAt(7, half), first: 100, end: 500, committed: 300}, false, 100, 99, causeLostState, 100, 0},
		{"all fences gone, nothing cut", standing{fences: nothing, end: 500, committed: 300}, false, 0, -1, causeLostState, 0, 0},
		{"Begin was interrupted", standing{fences: namelessAt(499, true, half), first: 100, end: 700, committed: none}, true, 500, 499, causeFirst, 0, 0},
		{"fences gone after a checkpoint that noted what is lost", standing{fences: namelessAt(5, false, map[int]int64{0: gone, 7: gone}), first: 6, end: 6, committed: none}, false, 6, 5, causeLostState, 6, 0},
		{"fences gone before the first commit", standing{fences: fencesAt(299, map[int]int64{0: gone, 7: 250}), first: 100, end: 500, committed: none}, false, 100, 99, causeLostState, 100, 0},
		{"below the log", standing{fences: fencesAt(49, nil), first: 100, end: 500, committed: 50}, false, 100, gone, causeResume, 50, 0},
		{"the last fence is the record before the first", standing{fences: fencesAt(99, nil), first: 100, end: 500, committed: 100}, false, 100, gone, causeResume, 0, 0},
		{"a fence at the end of the log", standing{fences: fencesAt(299, map[int]int64{7: 500}), first: 0, end: 500, committed: 300}, false, 0, -1, causeNewTopic, 0, 1},
		{"the log is empty again", standing{fences: fencesAt(299, nil), committed: 300}, false, 0, -1, causeNewTopic, 0, 1},
		{"another record at the fence", standing{fences: fencesAt(299, nil), first: 0, end: 500, committed: 300, found: true, probed: simEpoch.Add(time.Millisecond)}, false, 0, -1, causeNewTopic, 0, 1},
		{"the same record at the fence", standing{fences: fencesAt(299, nil), first: 0, end: 500, committed: 300, found: true, probed: simEpoch}, false, 300, gone, causeResume, 0, 0},
		{"the record at the fence was cut", standing{fences: fencesAt(299, nil), first: 400, end: 500, committed: 300}, false, 400, gone, causeResume, 100, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(tt.in, tt.atEnd)
			begin := int64(gone)
			if d.begin != nil {
				begin = d.begin.Offset
			}
			if d.position != tt.position || begin != tt.begin || d.cause != tt.cause || d.lost != tt.lost || d.source.Epoch != tt.epoch {
				t.Errorf("position %d, begin %d, cause %s, lost %d, epoch %d; want %d, %d, %s, %d, %d",
					d.position, begin, d.cause, d.lost, d.source.Epoch, tt.position, tt.begin, tt.cause, tt.lost, tt.epoch)
			}
			if d.source.Topic != "shipments" {
				t.Errorf("the source is %v", d.source)
			}
		})
	}
}

// TestDecideCountsOnFromTheEpoch: a topic that was deleted twice.
func TestDecideCountsOnFromTheEpoch(t *testing.T) {
	f := fencesAt(299, nil)
	f.Source.Epoch = 1
	if d := decide(standing{fences: f, end: 10, committed: 300}, false); d.source.Epoch != 2 {
		t.Errorf("epoch %d, want 2", d.source.Epoch)
	}
	if d := decide(standing{fences: f, end: 1000, committed: 300}, false); d.source.Epoch != 1 {
		t.Errorf("epoch %d, want 1", d.source.Epoch)
	}
}
