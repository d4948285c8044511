package codec

import "testing"

// Pseudonyms stand in Redis and in alerts: they must not change from one version to the next.
func TestPseudonym(t *testing.T) {
	f := func(key, kind, value, want string) {
		t.Helper()
		if got := Pseudonym([]byte(key), kind, value); got != want {
			t.Errorf("key %q, %s %q: %s, want %s", key, kind, value, got, want)
		}
	}
	const key = "0123456789abcdef0123456789abcdef"
	f(key, "sender", "A", "lu3Ea5cEY6lvGjHc0hOZ2A")
	f(key, "recipient", "A", "9l0AE71POxr9cssCkdTXDQ")
	f(key, "sender", "Nguyễn Văn An", "ljproY80YqPRAg9ZFyl4WQ")
	f("", "sender", "A", "b1hROhl6S1nHNzs-luNZSg")
	f(string(PublicKey()), "sender", "A", "b1hROhl6S1nHNzs-luNZSg")
}

func TestPseudonymsDiffer(t *testing.T) {
	seen := map[string][3]string{}
	for _, key := range []string{"", "k", "k2"} {
		for _, kind := range []string{"sender", "recipient"} {
			for _, value := range []string{"A", "a", "A ", "r", "\x00A"} {
				p := Pseudonym([]byte(key), kind, value)
				if other, ok := seen[p]; ok {
					t.Errorf("%q and %q are both %s", other, [3]string{key, kind, value}, p)
				}
				seen[p] = [3]string{key, kind, value}
			}
		}
	}
}

// Who gets the public key can't change it for others.
func TestPublicKeyIsACopy(t *testing.T) {
	before := Pseudonym(nil, "sender", "A")
	clear(PublicKey())
	if after := Pseudonym(nil, "sender", "A"); after != before {
		t.Errorf("%s became %s", before, after)
	}
}
