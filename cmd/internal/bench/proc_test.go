package bench

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 1500 0 0 0 1234 66 7 8 20 0 9 0 5000 1000000 300 18446744073709551615\n"
	for _, name := range []string{"(parcelsentry)", "(a) b (c)", "(1 2 3 4)"} {
		got, err := parseStat([]byte("4711 " + name + rest))
		if want := 13 * time.Second; err != nil || got != want {
			t.Errorf("%s used %v, %v; want %v", name, got, err, want)
		}
	}
	for _, bad := range []string{"", "4711 (x) S 1 2", "4711 (x) S 1 2 3 0 -1 4194560 1500 0 0 0 many 66 7"} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

func TestParsePeak(t *testing.T) {
	got, err := parsePeak("Name:\tparcelsentry\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n")
	if err != nil || got != 2<<20 {
		t.Errorf("peak %d, %v; want 2 MiB", got, err)
	}
	for _, bad := range []string{"", "VmRSS:\t 1 kB\n", "VmHWM:\t much kB\n"} {
		if got, err := parsePeak(bad); err == nil {
			t.Errorf("%q gives %d", bad, got)
		}
	}
}

// TestProcOfItself reads the real files.
func TestProcOfItself(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if peak, err := peakMemory(os.Getpid()); err != nil || peak <= 0 {
		t.Errorf("peak %d, %v", peak, err)
	}
	if none, err := cpuTime(0); none != 0 || err != nil {
		t.Errorf("no process used %v, %v", none, err)
	}
}
