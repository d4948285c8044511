package redisstore_test

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

func TestServers(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			store, _ := newStore(t, server.open(t))
			all, err := store.Servers(t.Context())
			if err != nil || len(all) != 1 || all[0].Address == "" || all[0].Evicted != 0 {
				t.Fatalf("got %+v, %v", all, err)
			}
			real := !strings.HasPrefix(server.name, "miniredis")
			if real && (all[0].Policy != redisstore.NoEviction || all[0].Memory == 0) {
				t.Errorf("got %+v", all[0])
			}
		})
	}
	t.Run("one that evicts", func(t *testing.T) {
		client := single(t, miniredis.RunT(t).Addr())
		client.AddHook(answers{"info": "# Memory\r\nused_memory:950\r\nused_memory_human:950B\r\nmaxmemory:1000\r\n" +
			"maxmemory_policy:allkeys-lru\r\n# Stats\r\nevicted_keys:12\r\nevicted_clients:3\r\n"})
		all, err := redisstore.New(client, redisstore.Options{Layout: "v1"}).Servers(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("got %+v, %v", all, err)
		}
		all[0].Address = ""
		if want := (redisstore.Server{Policy: "allkeys-lru", Evicted: 12, Memory: 950, MaxMemory: 1000}); all[0] != want {
			t.Errorf("got %+v, want %+v", all[0], want)
		}
	})
	t.Run("one that is away", func(t *testing.T) {
		m := miniredis.RunT(t)
		client := single(t, m.Addr())
		m.Close()
		if all, err := redisstore.New(client, redisstore.Options{Layout: "v1"}).Servers(t.Context()); err == nil {
			t.Errorf("got %+v", all)
		}
	})
}
