package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		in     []string
		noSkip bool
		want   string
		ok     bool
	}{
		{
			name: "a package passes",
			in: []string{
				`{"Action":"start","Package":"p"}`,
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t0.250s\n"}`,
				`{"Action":"pass","Package":"p","Elapsed":0.25}`,
			},
			want: "ok  \tp\t0.25s\t1 passed\n1 passed, 0 failed, 0 skipped\n",
			ok:   true,
		},
		{
			name: "a result from the cache says so",
			in: []string{
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t(cached)\n"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "ok  \tp\t0.00s\t1 passed (cached)\n1 passed, 0 failed, 0 skipped\n",
			ok:   true,
		},
		{
			name: "a failure is shown in full, a pass beside it is not",
			in: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}`,
				`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: got 1\n"}`,
				`{"Action":"output","Package":"p","Test":"TestB","Output":"--- FAIL: TestB (0.00s)\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestB"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\n"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp\t1.002s\n"}`,
				`{"Action":"fail","Package":"p","Elapsed":1}`,
			},
			want: "    b_test.go:7: got 1\n--- FAIL: TestB (0.00s)\n" +
				"FAIL\tp\t1.00s\t1 passed, 1 failed, 0 skipped\n1 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "what does not build fails, with the compiler's words",
			in: []string{
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"# p\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:3: undefined: x\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
				`{"Action":"start","Package":"p"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
				`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			},
			want: "# p\np.go:3: undefined: x\nFAIL\tp [build failed]\n" +
				"FAIL\tp\t0.00s\t0 passed, 1 failed, 0 skipped\n0 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "a panic leaves tests without an end: they failed",
			in: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: oh\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "panic: oh\n--- FAIL: TestA (did not end)\n" +
				"FAIL\tp\t0.00s\t0 passed, 1 failed, 0 skipped\n0 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "a stream that breaks off fails",
			in: []string{
				`{"Action":"start","Package":"p"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
			},
			want: "FAIL\tp\t0.00s\t1 passed, 1 failed, 0 skipped\n1 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "skips are named with their reason",
			in: []string{
				`{"Action":"output","Package":"p","Test":"TestA/x","Output":"=== RUN   TestA/x\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA/x","Output":"    a_test.go:3: an earlier log line\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA/x","Output":"    a_test.go:4: no broker:\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA/x","Output":"        set the variable\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA/x","Output":"    --- SKIP: TestA/x (0.00s)\n"}`,
				`{"Action":"skip","Package":"p","Test":"TestA/x"}`,
				`{"Action":"skip","Package":"p","Test":"TestB"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "ok  \tp\t0.00s\t0 passed, 2 skipped\n" +
				"skipped: p.TestA/x: no broker: set the variable\nskipped: p.TestB: no reason given\n" +
				"0 passed, 0 failed, 2 skipped\n",
			ok: true,
		},
		{
			name:   "a skip fails where none is allowed",
			noSkip: true,
			in: []string{
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "ok  \tp\t0.00s\t0 passed, 1 skipped\nskipped: p.TestA: no reason given\n" +
				"no test may be skipped here\n0 passed, 0 failed, 1 skipped\n",
		},
		{
			name: "a package without tests is no failure, a run without tests is",
			in:   []string{`{"Action":"start","Package":"p"}`, `{"Action":"skip","Package":"p"}`},
			want: "?   \tp\tno tests\nno test ran\n0 passed, 0 failed, 0 skipped\n",
		},
		{
			name: "the go command's own words are passed on",
			in: []string{
				`go: downloading something`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "go: downloading something\nok  \tp\t0.00s\t1 passed\n1 passed, 0 failed, 0 skipped\n",
			ok:   true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			ok, err := run(strings.NewReader(strings.Join(test.in, "\n")+"\n"), &out, test.noSkip)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != test.want {
				t.Errorf("printed:\n%s\nwant:\n%s", &out, test.want)
			}
			if ok != test.ok {
				t.Errorf("ok = %v, want %v", ok, test.ok)
			}
		})
	}
}

func TestRunSaysWhatCannotBeRead(t *testing.T) {
	broken := errors.New("broken pipe")
	if _, err := run(iotest.ErrReader(broken), &strings.Builder{}, false); !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
}
