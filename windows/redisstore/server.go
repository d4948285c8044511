package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// NoEviction is the only maxmemory-policy under which Redis keeps what it was given.
const NoEviction = "noeviction"

// Server is how a Redis server that holds a part of the keys is doing.
type Server struct {
	// Address is host:port.
	Address string
	// Policy is its maxmemory-policy, "" if it does not tell.
	Policy string
	// Evicted is how many keys it has thrown away since it started, whoever's they were.
	Evicted int64
	// Memory is what it uses, MaxMemory what it may, in bytes; 0 stands for unknown and for no bound.
	Memory, MaxMemory int64
}

// Servers asks every primary how it is doing. What a server does not tell is left out; an error means that one of them
// does not answer.
func (s *Store) Servers(ctx context.Context) ([]Server, error) {
	primaries, err := s.primaries(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at servers: %w", err)
	}
	all := make([]Server, len(primaries))
	for i, p := range primaries {
		if all[i], err = look(ctx, p); err != nil {
			return nil, fmt.Errorf("look at %s: %w", address(p), explain("", err))
		}
	}
	return all, nil
}

func look(ctx context.Context, server redis.UniversalClient) (Server, error) {
	s := Server{Address: address(server)}
	var err error
	if s.Policy, err = policy(ctx, server); err != nil {
		return s, err
	}
	for _, section := range []string{"memory", "stats"} {
		info, err := server.Info(ctx, section).Result()
		if err != nil && !refusal(err) {
			return s, err
		}
		s.read(info)
	}
	return s, nil
}

// read takes what it knows from an answer to INFO, lines of name:value.
func (s *Server) read(info string) {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "evicted_keys":
			s.Evicted = n
		case "used_memory":
			s.Memory = n
		case "maxmemory":
			s.MaxMemory = n
		}
	}
}
