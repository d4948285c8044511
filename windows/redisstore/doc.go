// Package redisstore keeps entities and fences in Redis, Redis Cluster or Valkey.
//
// An entity is one value, in the bytes of windows.Entity.AppendPacked; `parcelsentry inspect` shows them:
//
//	ps:<layout>:<kind>:{<bucket>}:<id>
//
// An update carries its entities as they shall be, made for the versions that the writer knows. Where another partition was
// counted in between, the script changes nothing and gives what is there; the writer adds its delta to that and comes again.
// So the script compares six bytes of an entity that should be there, asks after one that should not, and writes each once,
// whatever it holds.
//
// Beside the entities of a bucket stands the hash of its fences, which has no end of life:
//
//	ps:<layout>:fence:{<bucket>}
//	    shipments/0/7     a source: the last offset counted in this bucket, the record's Unix milliseconds or -, the writer's number, begun
//	    seed:<hash>/0/0   files that were counted before the service ran: the number of their last line, from 0
//	    seed:until/0/0    no offset but the event time, in Unix milliseconds, up to which they were counted
//
// All keys of a bucket share a hash tag, so a cluster keeps them on one node and one script updates them in one step.
//
// go-redis sends a command again when its reply does not come in time, though it may have been done. That is fine
// here and its retries may stay on: every call repeats without harm, updates because of the fence, Begin because it
// only fills gaps, reads anyway.
//
// The account needs these commands on keys ps:*: EVAL, EVALSHA, GET, MGET, SET, DEL, EXISTS, HGET, HGETALL, HLEN, HSCAN,
// HSET, HSETNX, HDEL, LLEN, LRANGE, LTRIM, RPUSH; INFO or CONFIG GET for Check; SCAN for Scan.
package redisstore
