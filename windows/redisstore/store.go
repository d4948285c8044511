package redisstore

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed apply.lua
var applySource string

//go:embed load.lua
var loadSource string

// Options say where and how long entities are kept.
type Options struct {
	// Layout is the name space of all keys, see the function Layout. Stores of different layouts share nothing.
	Layout string
	// TTL is the life of an entity after its last update, in whole milliseconds; 0 keeps entities for ever. It only
	// frees memory: what is behind the horizon is left out by who reads.
	TTL time.Duration
}

// Store is a windows.Store in Redis. It owns no connection and no goroutine: whoever made the client closes it.
type Store struct {
	client      redis.UniversalClient
	layout      string
	ttl         time.Duration
	apply, load script
	memory      wordsPool
	// single: the client speaks to one server, and not to a cluster.
	single bool
}

// New gives a store over a *redis.Client or a *redis.ClusterClient. It does no IO: see Check.
func New(client redis.UniversalClient, o Options) *Store {
	_, single := client.(*redis.Client)
	return &Store{
		single: single,
		client: client,
		layout: o.Layout,
		ttl:    o.TTL,
		apply:  newScript(applySource),
		load:   newScript(loadSource),
	}
}

// Layout names a layout by what decides the meaning of stored fields: eight hexadecimal digits of a hash of parts and
// their order. Other parts give another name space, so that a change never mixes with what was stored before it.
func Layout(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}
