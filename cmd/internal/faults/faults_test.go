package faults

import "testing"

func TestParse(t *testing.T) {
	for _, p := range Points() {
		want := Plan{p, 7}
		if got, on, err := Parse(want.String()); got != want || !on || err != nil {
			t.Errorf("%s gives %v, %t, %v", want, got, on, err)
		}
	}
	if _, on, err := Parse(""); on || err != nil {
		t.Errorf("nothing asked for gives %t, %v", on, err)
	}
	for _, wrong := range []string{"kill", "kill:after-write", "kill:nowhere:1", "kill:after-write:0", "kill:after-write:x", "stop:after-write:1"} {
		if _, on, err := Parse(wrong); on || err == nil {
			t.Errorf("%q gives %t, %v", wrong, on, err)
		}
	}
}
