package windows

import (
	"encoding/binary"
	"slices"
)

// member is one that an entity remembers.
type member struct {
	sub uint64 // of the Sub's bytes, so that numbers sort as they do
	ms  int64  // when it was last seen
	// touched: seen since the last TakeDelta.
	touched bool
	// stored: a store may hold it under an earlier time.
	stored bool
}

func (m *member) name() Sub {
	var s Sub
	binary.BigEndian.PutUint64(s[:], m.sub)
	return s
}

// members are in the order of their Subs. Without pointers the garbage collector has nothing to follow, and a few
// hundred of them are found as fast as in a map, in half the memory.
type members []member

func (m members) find(sub Sub) (int, bool) {
	key := binary.BigEndian.Uint64(sub[:])
	low, high := 0, len(m)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if m[mid].sub < key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(m) && m[low].sub == key
}

// saw remembers that a member was seen at ms. It reports whether that is news.
func (m *members) saw(sub Sub, ms int64) bool {
	i, ok := m.find(sub)
	if !ok {
		*m = slices.Insert(*m, i, member{sub: binary.BigEndian.Uint64(sub[:]), ms: ms, touched: true})
		return true
	}
	one := &(*m)[i]
	if one.ms >= ms {
		return false
	}
	one.ms, one.touched = ms, true
	return true
}

// remove forgets a member.
func (m *members) remove(sub Sub) {
	if i, ok := m.find(sub); ok {
		*m = slices.Delete(*m, i, i+1)
	}
}

// restore sets what a store holds.
func (m *members) restore(sub Sub, ms int64) {
	one := member{sub: binary.BigEndian.Uint64(sub[:]), ms: ms, stored: true}
	if i, ok := m.find(sub); ok {
		(*m)[i] = one
	} else {
		*m = slices.Insert(*m, i, one)
	}
}

// all gives every member in the order of when it was last seen, those of one time by their names.
func (m members) all() []Member {
	if len(m) == 0 {
		return nil
	}
	all := make([]Member, len(m))
	for i := range m {
		all[i] = Member{m[i].name(), m[i].ms}
	}
	sortMembers(all)
	return all
}

// take gives those seen since the last take, in that order, too.
func (m members) take(room *Room) []Member {
	n := 0
	for i := range m {
		if m[i].touched {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	seen := take(room, &room.members, n)
	for i := range m {
		if m[i].touched {
			m[i].touched, m[i].stored = false, true
			seen = append(seen, Member{m[i].name(), m[i].ms})
		}
	}
	sortMembers(seen)
	return seen
}

func sortMembers(m []Member) {
	slices.SortFunc(m, func(a, b Member) int {
		if a.UnixMilli != b.UnixMilli {
			return int(min(max(a.UnixMilli-b.UnixMilli, -1), 1))
		}
		return slices.Compare(a.Sub[:], b.Sub[:])
	})
}
