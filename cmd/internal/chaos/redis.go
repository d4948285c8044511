package chaos

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// inSync tells whether a replica has its primary's data and follows it.
func inSync(replica *testbed.Redis) func(context.Context) error {
	return func(ctx context.Context) error {
		info, err := replica.Client.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New("the replica is not in sync")
		}
		return err
	}
}

// bucketSlot is the cluster's slot of a bucket: the CRC-16 of its hash tag, by the polynomial 0x1021.
func bucketSlot(bucket int) int {
	crc := uint16(0)
	for _, b := range []byte(strconv.Itoa(bucket)) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % testbed.Slots
}
