package pipeline

import "github.com/parcelsentry/parcelsentry/windows"

// nextVerify looks at the fences when nothing has come for as long as there would have been a checkpoint: lost state
// is noticed by an update otherwise, and there is none. Others may count the same entities meanwhile.
func (w *Worker) nextVerify() {
	every := w.options.Limits.CheckpointInterval
	if w.phase != phaseRunning || w.verifying || w.flight != nil || every == 0 || w.now.Sub(w.lastCheck) < every {
		return
	}
	w.verifying, w.landings = true, 0
	w.ask(request{op: opVerify})
}

// verified goes back if a fence is not where it should be. Fences read while a flush moved some prove nothing.
func (w *Worker) verified(fences *windows.Fences) {
	w.verifying = false
	if w.phase != phaseRunning {
		return
	}
	w.lastCheck = w.now
	if w.flight != nil || w.landings > 0 {
		return
	}
	if fences.Source != w.source {
		w.rewind(rewindForeign)
		return
	}
	for b, fence := range fences.At {
		if !fences.Present[b] || !fence.Is(w.expected[b]) {
			w.rewind(rewindForeign)
			return
		}
	}
}
