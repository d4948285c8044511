package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// newRedis gives a client, which connects when it is first used. Commands that time out are sent again by the client;
// all that the stores send may be.
func newRedis(c *config.Redis) (redis.UniversalClient, error) {
	var password string
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("redis.password_file: %w", err)
		}
		password = string(bytes.TrimSpace(b))
	}
	o := &redis.UniversalOptions{
		Addrs: c.Addresses, Username: c.Username, Password: password, DB: c.Database,
		DialTimeout: time.Duration(c.Timeout), ReadTimeout: time.Duration(c.Timeout), WriteTimeout: time.Duration(c.Timeout),
		// A question for a probe must not wait for longer than the probe does.
		ContextTimeoutEnabled: true,
		// Commands are tried four times, so a connection needs no tries of its own: they would multiply.
		DialerRetries: 1,
		ClientName:    "parcelsentry",
	}
	if c.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.Cluster {
		return redis.NewClusterClient(o.Cluster()), nil
	}
	return redis.NewClient(o.Simple()), nil
}

// storeOptions say where the entities of a set are kept, and how long.
func storeOptions(c *config.Config, set *detector.Set) redisstore.Options {
	return redisstore.Options{
		Layout: redisstore.Layout(set.Layout()...),
		TTL:    set.Ladder().Horizon() + time.Duration(c.Redis.RetentionMargin),
	}
}
