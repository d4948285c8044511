package config

import (
	"fmt"
	"slices"
)

// What bounds the resolutions: each is a letter in stored fields, each pane a field of an entity.
const (
	maxResolutions = 5
	maxPanes       = 200
)

func (c *Windows) check(k *checker) {
	const path = "windows.resolutions"
	n := len(c.Resolutions)
	k.require(n >= 1 && n <= maxResolutions, []string{path}, "must have 1 to %d resolutions, has %d", maxResolutions, n)
	for i, r := range c.Resolutions {
		r.check(k, item(path, i))
		if i > 0 {
			r.checkAfter(k, []string{item(path, i) + ".slide", item(path, i-1) + ".slide"}, c.Resolutions[i-1])
		}
		same := func(o Resolution) bool { return o.Name == r.Name }
		k.require(slices.IndexFunc(c.Resolutions, same) == i, []string{item(path, i) + ".name"},
			"%s is the name of another resolution: each needs its own", show(r.Name))
	}
	between(k, "windows.working_set", c.WorkingSet, 1*mib, 256*gib)
	between(k, "windows.max_fields", c.MaxFields, 64, 4096)
}

func (r Resolution) check(k *checker, path string) {
	k.require(len(r.Name) == 1 && r.Name[0] >= 'a' && r.Name[0] <= 'z', []string{path + ".name"},
		"must be one lower-case letter, is %s", show(r.Name))
	slide := path + ".slide"
	between(k, slide, r.Slide, second, 365*day)
	k.require(r.Slide%second == 0 && r.Slide > 0 && (day%r.Slide == 0 || r.Slide%day == 0), []string{slide},
		"must be whole seconds that divide a day, such as 1m, 10m or 6h, or whole days, is %v", r.Slide)
	keep := []string{path + ".keep", slide}
	k.require(r.Slide > 0 && r.Keep%r.Slide == 0, keep, "%s.keep (%v) must be a multiple of %s (%v)", path, r.Keep, slide, r.Slide)
	k.require(r.Slide > 0 && r.Keep >= 2*r.Slide && r.Keep/r.Slide <= maxPanes, keep,
		"%s.keep (%v) must be 2 to %d times %s, from %v to %v", path, r.Keep, maxPanes, slide, 2*r.Slide, maxPanes*r.Slide)
}

func (r Resolution) checkAfter(k *checker, slides []string, finer Resolution) {
	k.require(r.Slide > finer.Slide, slides,
		"must be above the slide before it (%v), is %v: put resolutions in order, the finest first", finer.Slide, r.Slide)
	k.require(finer.Slide > 0 && r.Slide%finer.Slide == 0, slides,
		"must be a multiple of the slide before it (%v), is %v", finer.Slide, r.Slide)
}

// fits reports whether a window is made of whole panes that are still kept a pane after it ended.
func (r Resolution) fits(window Duration) bool {
	return window > 0 && window%r.Slide == 0 && window <= r.Keep-r.Slide
}

// near gives the longest window up to w and the shortest from w on that fit r; 0 for none.
func (r Resolution) near(w Duration) (below, above Duration) {
	longest := (r.Keep/r.Slide - 1) * r.Slide
	below = min(max(w, 0)/r.Slide*r.Slide, longest)
	if above = below + r.Slide; above > longest {
		above = 0
	}
	return below, above
}

// window requires that a detector's window can be counted.
func (k *checker) window(path string, w Duration, ladder []Resolution) {
	paths := []string{path + ".window", "windows.resolutions", path + ".enabled"}
	if slices.ContainsFunc(paths, func(p string) bool { return k.faulty[p] }) {
		return // the slides may be 0
	}
	var below, above Duration
	for _, r := range ladder {
		if r.fits(w) {
			return
		}
		b, a := r.near(w)
		below = max(below, b)
		if a > 0 && (above == 0 || a < above) {
			above = a
		}
	}
	k.relate(false, paths, "%s.window (%v) must be a multiple of the slide of a resolution in windows.resolutions"+
		" that keeps one slide more than the window: %s, or change the resolutions", path, w, nearest(below, above))
}

func nearest(below, above Duration) string {
	switch {
	case below == 0:
		return fmt.Sprintf("the nearest is %v", above)
	case above == 0:
		return fmt.Sprintf("the nearest is %v", below)
	default:
		return fmt.Sprintf("the nearest are %v and %v", below, above)
	}
}

// days requires panes of a day, from which a detector learns.
func (k *checker) days(path string, ladder []Resolution) {
	ok := slices.ContainsFunc(ladder, func(r Resolution) bool { return r.Slide == day })
	k.relate(ok, []string{path + ".enabled", "windows.resolutions"},
		"%s learns from days, but windows.resolutions has none with a slide of 1d: add {name: d, slide: 1d, keep: 120d},"+
			" or set %s.enabled to false", path, path)
}
