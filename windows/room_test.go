package windows

import "testing"

// TestRoom: what an emptied room gives out is what it gave before, and never the same to two; what was not needed goes.
func TestRoom(t *testing.T) {
	r := NewRoom()
	var first [][]byte
	for range 5 {
		first = append(first, take(r, &r.packed, 50<<10)) // two in a piece
	}
	if n := len(r.packed.all); n != 3 {
		t.Fatalf("%d pieces for 250 KiB, want 3", n)
	}
	r.Empty()
	for i := range 3 {
		again := append(take(r, &r.packed, 50<<10), byte(i))
		if at := &first[i][:1][0]; &again[0] != at || *at != byte(i) {
			t.Errorf("part %d lies elsewhere than before", i)
		}
	}
	if large := take(r, &r.packed, 1<<20); cap(large) != 1<<20 {
		t.Errorf("room for %d bytes, want 1 MiB", cap(large))
	}
	r.Empty()
	r.Empty()
	if n := len(r.packed.all); n != 0 {
		t.Errorf("%d pieces are kept that nobody needed", n)
	}
}
