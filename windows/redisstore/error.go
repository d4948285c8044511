package redisstore

import (
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Error is what Redis, or the way to it, said, and what that means for this service.
type Error struct {
	// Key is the key that something is wrong with, "" if it is none.
	Key string
	// Advice says in a few words what it means or what to do; it may be empty.
	Advice string
	// Fatal means that no repetition helps until somebody changes something. Everything else may pass by itself: a
	// time-out, a server that loads, has become a replica or is full, a cluster on the move.
	Fatal bool
	Err   error
}

// Error gives all of it in one line.
func (e *Error) Error() string {
	text := "redis: " + e.Err.Error()
	if e.Key != "" {
		text = fmt.Sprintf("redis key %q: %s", e.Key, e.Err)
	}
	if e.Advice != "" {
		text += " (" + e.Advice + ")"
	}
	return text
}

// Unwrap gives the error of the client.
func (e *Error) Unwrap() error { return e.Err }

// Fatal reports whether err is an Error that no repetition helps with.
func Fatal(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Fatal
}

// meanings tells what the errors mean that operators meet, by how they begin.
var meanings = []struct {
	prefix string
	fatal  bool
	advice string
}{
	{"NOAUTH", true, "it asks for a password"},
	{"WRONGPASS", true, "it does not accept this user name and password"},
	{"AUTH ", true, "it has no password, but one was given"},
	{"NOPERM", true, "the account lacks a permission"},
	{"The user executing the script", true, "the account lacks a permission"},
	{"WRONGTYPE", true, "something else writes to this name space"},
	{"CROSSSLOT", true, "it is part of a cluster: connect to it as one"},
	{"unknown command", true, "the server must know the commands of Redis 7.0"},
	{"This instance has cluster support disabled", true, "it is a single server, not a cluster"},
	{"MOVED", false, "it is part of a cluster: connect to it as one"},
	{"ASK", false, "it is part of a cluster: connect to it as one"},
	{"CLUSTERDOWN", false, "part of the cluster is away"},
	{"TRYAGAIN", false, "the cluster moves this slot"},
	{"LOADING", false, "it has just started"},
	{"READONLY", false, "it is a replica: connect to the primary"},
	{"MASTERDOWN", false, "it is a replica without a primary"},
	{"NOREPLICAS", false, "too few replicas follow it"},
	{"MISCONF", false, "it can't write to its disk"},
	{"OOM", false, "it is full: raise maxmemory"},
}

// explain makes an Error of what the client returned for a command at key.
func explain(key string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Err: err}
	for _, m := range meanings {
		if redis.HasErrorPrefix(err, m.prefix) {
			e.Fatal, e.Advice = m.fatal, m.advice
			break
		}
	}
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		e.Key = key
	}
	return e
}

// brokenKey makes an Error of a script's complaint about one of its keys, counted from 1.
func brokenKey[K string | word](keys []K, i int64, why any) error {
	if i < 1 || i > int64(len(keys)) {
		return fmt.Errorf("an answer about key %d of %d: %v", i, len(keys), why)
	}
	return badData(string(keys[i-1]), fmt.Errorf("%v", why))
}

// badData makes an Error of something stored that this package did not write.
func badData(key string, err error) error {
	return &Error{Key: key, Advice: "something else writes to this name space", Fatal: true, Err: err}
}
