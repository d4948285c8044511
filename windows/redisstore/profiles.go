package redisstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/redis/go-redis/v9"
)

//go:embed profiles.lua
var profilesSource string

const (
	// noArtefact stands where the name of a day's artefact would, if it was decided that there is none.
	noArtefact = "none"
	// fetchAtOnce is how many artefacts Recorded reads in one step.
	fetchAtOnce = 16
)

// Profiles is windows.Profiles in Redis. Four keys without an end of life, in one slot:
//
//	ps:<layout>:profile:{profile}:days            a hash: a day, and the SHA-256 of its artefact or "none"
//	ps:<layout>:profile:{profile}:artefacts       a hash: a SHA-256 in hexadecimal, and the artefact, once for all days
//	ps:<layout>:profile:{profile}:contributions   a list, the oldest first, of windows.MaxContributions at most
//	ps:<layout>:profile:{profile}:state           a hash: version, another one after each change of days, and gone, how
//	                                              many contributions have left the list
//
// What is to be done is worked out here from one version, and stored by a script if that is the version still, else
// worked out again; so a command that go-redis sends twice is done once, but for Contribute. What a failover loses is
// decided anew and may come out otherwise.
//
// The account needs EVAL, EVALSHA, HGET, HGETALL, HSET, HDEL, HLEN, LLEN, LRANGE, LTRIM and RPUSH.
type Profiles struct {
	store  *Store
	script script
	keys   []string
}

// Those of Profiles.keys that are named in errors.
const (
	keyDays = iota
	keyArtefacts
)

// NewProfiles gives a store over a *redis.Client or a *redis.ClusterClient, in the name space that the function Layout
// names. It does no IO.
func NewProfiles(client redis.UniversalClient, layout string) *Profiles {
	p := &Profiles{store: New(client, Options{Layout: layout}), script: newScript(profilesSource)}
	for _, name := range []string{"days", "artefacts", "contributions", "state"} {
		p.keys = append(p.keys, "ps:"+layout+":profile:{profile}:"+name)
	}
	return p
}

// Contribute implements windows.Profiles.
func (p *Profiles) Contribute(ctx context.Context, contribution []byte) error {
	if _, _, err := p.run(ctx, 0, "contribute", windows.MaxContributions, contribution); err != nil {
		return fmt.Errorf("contribute to the profile: %w", err)
	}
	return nil
}

// Decide implements windows.Profiles. It takes another turn only when another day was decided meanwhile.
func (p *Profiles) Decide(
	ctx context.Context, day int64, build func(previous []byte, contributions [][]byte) ([]byte, error),
) ([]byte, error) {
	for {
		artefact, ok, err := p.decide(ctx, day, build)
		if err != nil {
			return nil, fmt.Errorf("profile of day %d: %w", day, err)
		}
		if ok {
			return artefact, nil
		}
	}
}

// decide is one turn of Decide; not ok means that the version changed.
func (p *Profiles) decide(
	ctx context.Context, day int64, build func([]byte, [][]byte) ([]byte, error),
) (artefact []byte, ok bool, err error) {
	v, err := p.view(ctx)
	if err != nil {
		return nil, false, err
	}
	name, decided := v.names[day]
	if decided {
		m, ok, err := p.fetch(ctx, v, false, name)
		return m.artefacts[name], ok, err
	}
	name, late := v.before(day)
	m, ok, err := p.fetch(ctx, v, !late, name)
	if err != nil || !ok {
		return nil, false, err
	}
	artefact = m.artefacts[name]
	if late {
		ok, err = p.commit(ctx, v.decide(day, name, late))
		return artefact, ok, err
	}
	if artefact, err = build(artefact, m.contributions); err != nil {
		return nil, false, err
	}
	name = artefactName(artefact)
	c := v.decide(day, name, late)
	c.used = m.end
	if artefact != nil {
		c.artefacts[name] = artefact
	}
	ok, err = p.commit(ctx, c)
	return artefact, ok, err
}

// Recorded implements windows.Profiles.
func (p *Profiles) Recorded(ctx context.Context) ([]windows.DayProfile, error) {
	for {
		all, ok, err := p.recorded(ctx)
		if err != nil {
			return nil, fmt.Errorf("recorded profiles: %w", err)
		}
		if ok {
			return all, nil
		}
	}
}

// recorded is one turn of Recorded; not ok means that the version changed.
func (p *Profiles) recorded(ctx context.Context) (all []windows.DayProfile, ok bool, err error) {
	v, err := p.view(ctx)
	if err != nil {
		return nil, false, err
	}
	artefacts := map[string][]byte{}
	names := slices.Compact(slices.Sorted(maps.Values(v.names)))
	for some := range slices.Chunk(names, fetchAtOnce) {
		m, ok, err := p.fetch(ctx, v, false, some...)
		if err != nil || !ok {
			return nil, false, err
		}
		maps.Copy(artefacts, m.artefacts)
	}
	// Days may share an artefact, but the caller owns what it gets.
	for _, day := range v.days {
		all = append(all, windows.DayProfile{Day: day, Artefact: slices.Clone(artefacts[v.names[day]])})
	}
	return all, true, nil
}

// Record implements windows.Profiles: all in one step.
func (p *Profiles) Record(ctx context.Context, all []windows.DayProfile) error {
	for {
		ok, err := p.record(ctx, all)
		if err != nil {
			return fmt.Errorf("record profiles: %w", err)
		}
		if ok {
			return nil
		}
	}
}

// record is one turn of Record; not ok means that the version changed.
func (p *Profiles) record(ctx context.Context, all []windows.DayProfile) (ok bool, err error) {
	v, err := p.view(ctx)
	if err != nil {
		return false, err
	}
	stored := map[string]bool{noArtefact: true}
	for _, name := range v.names {
		stored[name] = true
	}
	c := v.change()
	for _, d := range all {
		name := artefactName(d.Artefact)
		held, ok := v.names[d.Day]
		if !ok {
			held, ok = c.days[d.Day]
		}
		if ok && held != name {
			return false, &windows.DecidedError{Day: d.Day}
		}
		if ok {
			continue
		}
		c.days[d.Day] = name
		if !stored[name] {
			c.artefacts[name] = d.Artefact
		}
	}
	if len(c.days) == 0 {
		return true, nil
	}
	return p.commit(ctx, c)
}

// view is what was decided as of a version.
type view struct {
	version string
	names   map[int64]string // of the days' artefacts
	days    []int64          // ascending
}

// before gives the name of the newest artefact of a day before, and whether a day after is decided.
func (v *view) before(day int64) (name string, late bool) {
	at, _ := slices.BinarySearch(v.days, day)
	for i := at - 1; i >= 0; i-- {
		if name := v.names[v.days[i]]; name != noArtefact {
			return name, at < len(v.days)
		}
	}
	return noArtefact, at < len(v.days)
}

// change is what commit does to the days of a version.
type change struct {
	version   string
	days      map[int64]string  // to put in, with the names of their artefacts
	artefacts map[string][]byte // to put in
	oldDays   []int64           // to drop, even if just put in
	oldNames  []string          // of artefacts to drop
	used      int64             // contributions are dropped up to this index among all that ever came
}

func (v *view) change() *change {
	return &change{version: v.version, days: map[int64]string{}, artefacts: map[string][]byte{}}
}

// decide is the change that puts one day in and drops the oldest ones, if they are too many, with artefacts that no
// other day has. A late day takes the place of one day at most: the oldest, which may be itself.
func (v *view) decide(day int64, name string, late bool) *change {
	c := v.change()
	c.days[day] = name
	days := slices.Sorted(slices.Values(append(slices.Clone(v.days), day)))
	excess := max(0, len(days)-windows.MaxProfileDays)
	if late {
		excess = min(excess, 1)
	}
	c.oldDays = days[:excess]
	kept := map[string]bool{noArtefact: true, name: true}
	for _, d := range days[excess:] {
		kept[v.names[d]] = true
	}
	for _, d := range c.oldDays {
		if old, ok := v.names[d]; ok && !kept[old] {
			kept[old] = true
			c.oldNames = append(c.oldNames, old)
		}
	}
	return c
}

func (p *Profiles) view(ctx context.Context) (*view, error) {
	reply, _, err := p.run(ctx, 2, "view")
	if err != nil {
		return nil, err
	}
	version, _ := reply[0].(string)
	fields, _ := reply[1].([]any)
	v := &view{version: version, names: map[int64]string{}}
	for i := 0; i+1 < len(fields); i += 2 {
		text, _ := fields[i].(string)
		name, _ := fields[i+1].(string)
		day, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badData(p.keys[keyDays], fmt.Errorf("%q is no day", text))
		}
		v.names[day] = name
	}
	v.days = slices.Sorted(maps.Keys(v.names))
	return v, nil
}

// material is what a version holds.
type material struct {
	artefacts     map[string][]byte
	contributions [][]byte
	end           int64 // how many contributions ever came, the last one of these included
}

// fetch gives artefacts by name and, if asked for, the contributions; not ok means that the version changed.
func (p *Profiles) fetch(
	ctx context.Context, v *view, contributions bool, names ...string,
) (m material, ok bool, err error) {
	m.artefacts = map[string][]byte{}
	with := 0
	if contributions {
		with = 1
	}
	args := []any{"fetch", v.version, with}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == noArtefact })
	if len(names) == 0 && !contributions {
		return m, true, nil
	}
	for _, name := range names {
		args = append(args, name)
	}
	reply, ok, err := p.run(ctx, 3, args...)
	if err != nil || !ok {
		return m, false, err
	}
	found, _ := reply[1].([]any)
	for i, name := range names {
		if i >= len(found) {
			return m, false, fmt.Errorf("%d artefacts in answer to %d names", len(found), len(names))
		}
		text, _ := found[i].(string)
		if artefact := []byte(text); artefactName(artefact) == name {
			m.artefacts[name] = artefact
			continue
		}
		return m, false, badData(p.keys[keyArtefacts], fmt.Errorf("artefact %s is not what its name says", name))
	}
	list, _ := reply[2].([]any)
	for _, c := range list {
		text, _ := c.(string)
		m.contributions = append(m.contributions, []byte(text))
	}
	gone, _ := reply[0].(int64)
	m.end = gone + int64(len(list))
	return m, true, nil
}

// commit makes a change; not ok means that the version changed before.
func (p *Profiles) commit(ctx context.Context, c *change) (ok bool, err error) {
	args := []any{
		"commit", c.version, rand.Text(), c.used,
		len(c.days), len(c.artefacts), len(c.oldDays), len(c.oldNames),
	}
	for day, name := range c.days {
		args = append(args, day, name)
	}
	for name, artefact := range c.artefacts {
		args = append(args, name, artefact)
	}
	for _, day := range c.oldDays {
		args = append(args, day)
	}
	for _, name := range c.oldNames {
		args = append(args, name)
	}
	_, ok, err = p.run(ctx, 0, args...)
	return ok, err
}

// run calls profiles.lua and gives the n parts of its answer; not ok means that the version is another one.
func (p *Profiles) run(ctx context.Context, n int, args ...any) (reply []any, ok bool, err error) {
	c := call{key: p.keys[0], args: []any{nil, nil, len(p.keys)}}
	for _, key := range p.keys {
		c.args = append(c.args, key)
	}
	c.args = append(c.args, args...)
	replies, err := p.store.run(ctx, p.script, []call{c})
	if err != nil {
		return nil, false, err
	}
	reply = replies[0]
	if len(reply) == 0 {
		return nil, false, fmt.Errorf("an empty answer")
	}
	status, number := reply[0].(int64)
	switch {
	case !number:
	case status == replyBroken && len(reply) == 3:
		k, _ := reply[1].(int64)
		return nil, false, brokenKey(p.keys, k, reply[2])
	case status == replyDone && len(reply) == 1+n:
		return reply[1:], true, nil
	case status == replyRefused && len(reply) == 1:
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("an answer that can't be understood: %v", reply)
}

// artefactName is how an artefact is stored: by its content, so that days share it.
func artefactName(artefact []byte) string {
	if artefact == nil {
		return noArtefact
	}
	hash := sha256.Sum256(artefact)
	return hex.EncodeToString(hash[:])
}
