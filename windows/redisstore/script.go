package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script and the name that servers know it by.
type script struct {
	source, hash string
}

func newScript(source string) script {
	return script{source: source, hash: redis.NewScript(source).Hash()}
}

// call is what one script call gets.
type call struct {
	key  string // its first, that of the bucket's fences
	args []any  // what is sent: two places for run, the number of keys, the keys, the arguments
}

// call makes a call of as many keys and of arguments, which follow them.
func (w *words) call(keys int, some []word) call {
	return call{key: some[0].String(), args: w.command(some, nil, nil, keys)}
}

// run sends a pipeline of script calls and gives their answers. Calls that a server refuses because it does not know
// the script go out once more with its source: go-redis does that for a single call, but not in a pipeline. Nothing
// has to be loaded beforehand, and a server that restarted or a replica that took over learns the script by itself.
func (s *Store) run(ctx context.Context, script script, calls []call) ([][]any, error) {
	replies := make([][]any, len(calls))
	all := make([]int, len(calls))
	for i := range all {
		all[i] = i
	}
	unknown, err := s.send(ctx, calls, all, replies, "evalsha", script.hash)
	if err == nil && len(unknown) > 0 {
		unknown, err = s.send(ctx, calls, unknown, replies, "eval", script.source)
	}
	if err == nil && len(unknown) > 0 {
		err = fmt.Errorf("a server does not know the script that it was sent")
	}
	return replies, err
}

// send makes the calls of these indices and returns those whose script was not known.
func (s *Store) send(
	ctx context.Context, calls []call, which []int, replies [][]any, eval, script string,
) (unknown []int, err error) {
	if len(which) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.Cmd, len(which))
	_, err = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range which {
			args := calls[c].args
			args[0], args[1] = eval, script
			cmds[i] = redis.NewCmd(ctx, args...)
			if err := p.Process(ctx, cmds[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		err = nil
	}
	for i, cmd := range cmds {
		if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			unknown = append(unknown, which[i])
			continue
		}
		reply, err := cmd.Slice()
		if err != nil {
			return nil, explain(calls[which[i]].key, err)
		}
		replies[which[i]] = reply
	}
	return unknown, explain("", err)
}
