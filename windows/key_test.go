package windows_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestBucket pins values: another bucket for a stored key would lose what is stored.
func TestBucket(t *testing.T) {
	for _, c := range []struct {
		key  windows.Key
		want int
	}{
		{windows.NewKey("sender", "S-1"), 717},
		{windows.NewKey("recipient", "S-1"), 724},
		{windows.NewKey("sender", "Nguyễn"), 456},
		{windows.NewKey("lane", "VN", "DE"), 68},
	} {
		if got := c.key.Bucket(); got != c.want {
			t.Errorf("%v is in bucket %d, want %d", c.key, got, c.want)
		}
	}
}

func TestBucketsFillEvenly(t *testing.T) {
	var n [windows.Buckets]int
	for i := range 100 * windows.Buckets {
		n[windows.NewKey("sender", fmt.Sprint("S-", i)).Bucket()]++
	}
	for b := range n {
		if n[b] < 50 || n[b] > 150 {
			t.Errorf("bucket %d has %d of 100 expected keys", b, n[b])
		}
	}
}

func TestNewKey(t *testing.T) {
	for _, id := range []string{"S-1", "a:b", "Nguyễn-Văn", strings.Repeat("x", 40), "\xff"} {
		if k := windows.NewKey("sender", id); k.ID != id || k.Kind != "sender" {
			t.Errorf("the key of %q is %v, want the id as it is", id, k)
		}
	}
	hashed := map[windows.Key]string{}
	for _, parts := range [][]string{
		{strings.Repeat("x", 41)}, {"two words"}, {"tab\t"}, {"{a}"}, {"}"}, {""}, {"\x7f"}, {"VN", "DE"}, {"DE", "VN"}, {"VN", ""},
	} {
		k := windows.NewKey("lane", parts...)
		if len(k.ID) != 22 || strings.ContainsAny(k.ID, "{} +/=") {
			t.Errorf("the key of %q is %v, want 22 characters of base64url", parts, k)
		}
		if other, ok := hashed[k]; ok {
			t.Errorf("%q and %s have the same key", parts, other)
		}
		hashed[k] = fmt.Sprintf("%q", parts)
	}
	if k := windows.NewKey("lane", "VN", "DE"); k.ID != "L4RQJALg6DT70U_N_BnOxw" {
		t.Errorf("the key of a lane is %v: a change here loses what is stored", k)
	}
}

func TestSub(t *testing.T) {
	if s := windows.NewSub("HAN"); s.String() != "a8UitEyD" {
		t.Errorf("the sub of HAN is %s: a change here loses what is stored", s)
	}
	if s := (windows.Sub{}); !s.IsZero() || s.String() != "" {
		t.Errorf("the zero sub is %q", s)
	}
	seen := map[windows.Sub]int{}
	for i := range 200_000 {
		s := windows.NewSub(fmt.Sprint(i))
		if j, ok := seen[s]; ok || s == windows.Others || s.IsZero() {
			t.Fatalf("%d gives %s, as %d does", i, s, j)
		}
		seen[s] = i
	}
}
