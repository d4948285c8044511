package canary

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

var (
	key   = []byte("0123456789abcdef0123456789abcdef")
	epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// TestValue pins the event, which other versions of the service must recognise.
func TestValue(t *testing.T) {
	value := Value("abc", epoch.Add(7*time.Millisecond))
	const want = `{"event_id":"abc","event_time":"2026-03-01T12:00:00.007Z","event_type":"parcelsentry_canary","sender_id":"parcelsentry-canary"}`
	if string(value) != want {
		t.Errorf("got %s", value)
	}
	// By another implementation: printf of the purpose and the value into openssl dgst -sha256 -hmac.
	const seal = "47f9760924c6fc80cfba777a6900048e21868961d1b7b8511a2b39f8b09506de"
	if got := Seal(key, value); string(got) != seal {
		t.Errorf("seal %s", got)
	}
}

// TestSealed: nobody passes as a canary by anything but a seal of that value with that key.
func TestSealed(t *testing.T) {
	value := Value("abc", epoch)
	seal := Seal(key, value)
	if !Sealed(key, value, seal) {
		t.Fatal("a true one is not recognised")
	}
	shipment := []byte(`{"event_id":"abc","event_time":"2026-03-01T12:00:00.000Z","event_type":"posted","sender_id":"parcelsentry-canary"}`)
	for name, no := range map[string]bool{
		"another value":    Sealed(key, shipment, seal),
		"a longer value":   Sealed(key, append(bytes.Clone(value), ' '), seal),
		"another key":      Sealed([]byte("another key, as long as the right one"), value, seal),
		"no seal":          Sealed(key, value, nil),
		"half a seal":      Sealed(key, value, seal[:32]),
		"a longer seal":    Sealed(key, value, append(bytes.Clone(seal), '0')),
		"the name for all": Sealed(key, value, []byte("canary")),
	} {
		if no {
			t.Errorf("%s passes", name)
		}
	}
}

// TestAccount: three canaries leave, one comes back in time, one too late, one never.
func TestAccount(t *testing.T) {
	a := NewAccount(time.Minute)
	for partition, id := range []string{"in time", "late", "never"} {
		a.Sent(id, partition, epoch)
	}
	if p, took, ok := a.Back("in time", epoch.Add(3*time.Second)); p != 0 || took != 3*time.Second || !ok {
		t.Errorf("back: %d, %v, %v", p, took, ok)
	}
	if _, _, ok := a.Back("in time", epoch.Add(4*time.Second)); ok {
		t.Error("it came back twice")
	}
	if _, _, ok := a.Back("of another instance", epoch); ok {
		t.Error("a stranger came back")
	}
	if lost := a.GiveUp(epoch.Add(59 * time.Second)); len(lost) > 0 {
		t.Errorf("given up before time: %v", lost)
	}
	if lost := a.GiveUp(epoch.Add(time.Minute)); !slices.Equal(lost, []int{1, 2}) {
		t.Errorf("given up: %v", lost)
	}
	if _, _, ok := a.Back("late", epoch.Add(61*time.Second)); ok {
		t.Error("what was given up came back")
	}
	if lost := a.GiveUp(epoch.Add(time.Hour)); len(lost) > 0 {
		t.Errorf("given up twice: %v", lost)
	}
}
