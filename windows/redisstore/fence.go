package redisstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/redis/go-redis/v9"
)

// scanAtOnce is the number of sources that a bucket's fences are searched for at once.
const scanAtOnce = 1000

// Fences implements windows.Store. Each bucket is read at one moment, the buckets one after the other.
func (s *Store) Fences(ctx context.Context, topic string, partition int) (*windows.Fences, error) {
	found := &windows.Fences{Source: windows.Source{Topic: topic, Partition: partition}}
	fields, err := s.fenceFields(ctx, partition)
	if err != nil {
		return nil, fmt.Errorf("read fences of %s, partition %d: %w", topic, partition, err)
	}
	for b := range fields {
		for i := 0; i+1 < len(fields[b]); i += 2 {
			source, err := windows.ParseSource(fields[b][i])
			if err != nil {
				return nil, badData(s.fenceKey(b), err)
			}
			if source.Topic != topic || source.Partition != partition || source.Epoch < found.Source.Epoch {
				continue
			}
			if source.Epoch > found.Source.Epoch {
				found = &windows.Fences{Source: source}
			}
			found.At[b], err = parseFence(fields[b][i+1])
			if err != nil {
				return nil, badData(s.fenceKey(b), err)
			}
			found.Present[b] = true
		}
	}
	return found, nil
}

// fenceFields gives the fields and values of every bucket's fences, those of other partitions mostly left out.
func (s *Store) fenceFields(ctx context.Context, partition int) (*[windows.Buckets][]string, error) {
	var fields [windows.Buckets][]string
	var scans [windows.Buckets]*redis.ScanCmd
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for b := range scans {
			scans[b] = p.HScan(ctx, s.fenceKey(b), 0, "*/"+strconv.Itoa(partition), scanAtOnce)
		}
		return nil
	})
	for b, scan := range scans {
		if err := scan.Err(); err != nil {
			return nil, explain(s.fenceKey(b), err)
		}
	}
	if err != nil {
		return nil, explain("", err)
	}
	for b, scan := range scans {
		more := uint64(0)
		if fields[b], more = scan.Val(); more == 0 {
			continue
		}
		// A cursor means nothing on the node that a slot moves to in between; all at once is always right.
		all, err := s.client.HGetAll(ctx, s.fenceKey(b)).Result()
		if err != nil {
			return nil, explain(s.fenceKey(b), err)
		}
		fields[b] = fields[b][:0]
		for source, fence := range all {
			fields[b] = append(fields[b], source, fence)
		}
	}
	return &fields, nil
}

// Sources names every source that has a fence in any bucket, in the order of their texts: whatever was counted here.
func (s *Store) Sources(ctx context.Context) ([]windows.Source, error) {
	var buckets [windows.Buckets]*redis.MapStringStringCmd
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for b := range buckets {
			buckets[b] = p.HGetAll(ctx, s.fenceKey(b))
		}
		return nil
	})
	found := map[string]windows.Source{}
	for b, fences := range buckets {
		if err := fences.Err(); err != nil {
			return nil, fmt.Errorf("read sources: %w", explain(s.fenceKey(b), err))
		}
		for text := range fences.Val() {
			if found[text], err = windows.ParseSource(text); err != nil {
				return nil, fmt.Errorf("read sources: %w", badData(s.fenceKey(b), err))
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", explain("", err))
	}
	sources := make([]windows.Source, 0, len(found))
	for _, text := range slices.Sorted(maps.Keys(found)) {
		sources = append(sources, found[text])
	}
	return sources, nil
}

// Begin implements windows.Store.
func (s *Store) Begin(ctx context.Context, source windows.Source, at windows.Fence) error {
	for _, run := range [][2]int{{1, windows.Buckets}, {0, 1}} {
		if err := s.begin(ctx, source, at, run[0], run[1]); err != nil {
			return fmt.Errorf("begin %s: %w", source, err)
		}
	}
	return nil
}

func (s *Store) begin(ctx context.Context, source windows.Source, at windows.Fence, from, to int) error {
	var set []*redis.BoolCmd
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for b := from; b < to; b++ {
			set = append(set, p.HSetNX(ctx, s.fenceKey(b), source.String(), fenceText(at)))
		}
		return nil
	})
	for i, cmd := range set {
		if err := cmd.Err(); err != nil {
			return explain(s.fenceKey(from+i), err)
		}
	}
	return explain("", err)
}

// fenceText is the offset, the record's time in Unix milliseconds or - for none, the writer in base 36, and whether it is where
// somebody began; what says nothing at the end is left out. A fence has one text: apply.lua compares texts.
func fenceText(f windows.Fence) string { return string(appendFence(nil, f)) }

func appendFence(b []byte, f windows.Fence) []byte {
	b = strconv.AppendInt(b, f.Offset, 10)
	switch {
	case !f.Time.IsZero():
		b = strconv.AppendInt(append(b, ' '), f.Time.UnixMilli(), 10)
	case f.Writer != 0 || f.Begun:
		b = append(b, " -"...)
	}
	if f.Writer != 0 || f.Begun {
		b = strconv.AppendUint(append(b, ' '), f.Writer, 36)
	}
	if f.Begun {
		b = append(b, " begun"...)
	}
	return b
}

func parseFence(text string) (windows.Fence, error) {
	var f windows.Fence
	offset, rest, _ := strings.Cut(text, " ")
	ms, rest, _ := strings.Cut(rest, " ")
	writer, begun, _ := strings.Cut(rest, " ")
	var err error
	if f.Offset, err = strconv.ParseInt(offset, 10, 64); err != nil {
		return f, fmt.Errorf("the fence %q has no offset", text)
	}
	if ms != "" && ms != "-" {
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			return f, fmt.Errorf("the fence %q has no time in milliseconds", text)
		}
		f.Time = time.UnixMilli(n).UTC()
	}
	if writer != "" {
		if f.Writer, err = strconv.ParseUint(writer, 36, 64); err != nil {
			return f, fmt.Errorf("the fence %q has no writer in base 36", text)
		}
	}
	f.Begun = begun == "begun"
	if again := fenceText(f); again != text {
		return f, fmt.Errorf("the fence %q is not as this program writes it, %q", text, again)
	}
	return f, nil
}
