package redisstore

import "testing"

// FuzzParseFence: what is read is what was written, or an error.
func FuzzParseFence(f *testing.F) {
	for _, s := range []string{"42 1774785600007", "-1", "", " ", "9223372036854775807 -9223372036854775808", "1 2 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fence, err := parseFence(text)
		if err != nil {
			return
		}
		if again, err := parseFence(fenceText(fence)); err != nil || again.Offset != fence.Offset || !again.Time.Equal(fence.Time) {
			t.Errorf("%q is %+v, and comes back as %+v, %v", text, fence, again, err)
		}
	})
}
