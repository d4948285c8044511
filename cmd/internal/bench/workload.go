package bench

import (
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/parcelsentry/parcelsentry/config"
)

// Workloads are the names of what can be measured.
//
// W1 is the job that other engines were measured with: one limit rule. W2 is everything that the shipped configuration
// turns on.
func Workloads() []string { return []string{"W1", "W2"} }

// place is where a run's service finds everything.
type place struct {
	broker, http string
	// redis are the addresses of a Redis, or of the masters of a cluster.
	redis   []string
	cluster bool
	// prefix begins the names of the group and of the topics that are written; input is the topic that is read.
	prefix, input string
}

// outputs are the topics that the service writes.
func (p *place) outputs() map[string]string {
	return map[string]string{"alerts": p.prefix + "alerts", "flagged": p.prefix + "flagged", "dead_letters": p.prefix + "dead"}
}

// section is a part of a configuration.
type section = map[string]any

// settings gives the configuration of a workload as YAML. Each override is KEY=VALUE: a path of keys with dots between, and a
// value in YAML.
func settings(workload string, p place, overrides []string) ([]byte, error) {
	topics := section{"shipments": p.input}
	for k, v := range p.outputs() {
		topics[k] = v
	}
	all := section{
		"kafka": section{"brokers": []string{p.broker}, "group": p.prefix + "group", "topics": topics},
		"redis": section{"addresses": p.redis, "cluster": p.cluster},
		// The events are as old as they are, whatever time their records have.
		"events": section{"allowed_lateness": "0s", "clock_tolerance": "0s", "shipment_types": Types()},
		"http":   section{"address": p.http},
	}
	if workload == "W1" {
		maps.Copy(all, limitAlone())
	}
	for _, o := range overrides {
		key, text, ok := strings.Cut(o, "=")
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); !ok || err != nil {
			return nil, fmt.Errorf("%q is not KEY=VALUE with a value in YAML", o)
		}
		into := all
		path := strings.Split(key, ".")
		for _, part := range path[:len(path)-1] {
			next, ok := into[part].(section)
			if !ok {
				next = section{}
				into[part] = next
			}
			into = next
		}
		into[path[len(path)-1]] = value
	}
	out, err := yaml.Marshal(all)
	if err != nil {
		return nil, err
	}
	if _, err := config.Load(workload, out); err != nil {
		return nil, err
	}
	return out, nil
}

// limitAlone is the rule of W1. An incident lasts for the whole input, and is told again after each cooldown: so there is one
// message for each alert of the rule, and none that an incident is over. A score may be 100 times the one told first before it
// would be told within the cooldown: 4,000 shipments in ten minutes, where the largest sender has 3,200.
func limitAlone() section {
	detectors := section{"limit": section{"window": ruleWindow.String(), "shipments": ruleShipments}}
	for _, rule := range ruleNames()[1:] {
		detectors[rule] = section{"enabled": false}
	}
	return section{
		"privacy":   section{"pseudonyms": []string{}},
		"windows":   section{"resolutions": []section{{"name": "t", "slide": rulePane.String(), "keep": (ruleWindow + rulePane).String()}}},
		"detectors": detectors,
		"alerts":    section{"cooldown": ruleSilence.String(), "quiet": "90d", "update_factor": 100},
	}
}
