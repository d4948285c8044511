package redisstore

import "testing"

// FuzzParseFence: what is read is written the same again, as scripts compare the texts, or it is an error.
func FuzzParseFence(f *testing.F) {
	for _, s := range []string{"42 1774785600007", "-1", "", " ", "9223372036854775807 -9223372036854775808", "1 2 3", "4 - 3w5e11264sgsf", "5 -", "6 - 0", "7 8 01", "+9", "1 2 3 4", "8 - 0 begun", "9 10 z begun", "9 begun"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fence, err := parseFence(text)
		if err != nil {
			return
		}
		if again := fenceText(fence); again != text {
			t.Errorf("%q is %+v, which is written as %q", text, fence, again)
		}
	})
}
