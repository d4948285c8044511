package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterID is 16 bytes in base64url.
const clusterID = "cGFyY2Vsc2VudHJ5LWNoYQ"

// broker is one node of the Kafka cluster. Number 1 is its controller and coordinates the groups, too.
type broker struct {
	servers *servers
	id      int
	address string
	dir     string
	conf    string
	process *child
}

// newBroker makes a node ready to start. Another node than the first needs the first one's controller.
func (s *servers) newBroker(ctx context.Context, id int, controller string) (*broker, string, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, "", err
	}
	b := &broker{servers: s, id: id, address: fmt.Sprintf("%s:%d", host, ports[0]), dir: filepath.Join(s.dir, fmt.Sprintf("kafka-%d", id))}
	roles, listeners := "broker", "PLAINTEXT://"+b.address
	if id == 1 {
		controller = fmt.Sprintf("%s:%d", host, ports[1])
		roles, listeners = "broker,controller", listeners+",CONTROLLER://"+controller
	}
	b.conf, err = s.configure(
		b.dir, "kafka.properties", fmt.Sprintf("node.id=%d", id), "process.roles="+roles, "listeners="+listeners,
		"advertised.listeners=PLAINTEXT://"+b.address, "controller.quorum.voters=1@"+controller, "log.dirs="+filepath.Join(b.dir, "data"),
		// Compaction and the end of deleted topics are part of the play, so they come soon.
		"log.cleaner.backoff.ms=300", "log.segment.delete.delay.ms=1000", "log.cleaner.dedupe.buffer.size=8388608",
	)
	if err != nil {
		return nil, "", err
	}
	format := exec.CommandContext(ctx, "java", append(b.java(), "kafka.tools.StorageTool", "format", "-c", b.conf, "-t", clusterID)...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("format the data folder of broker %d: %w\n%s", id, err, out)
	}
	return b, controller, nil
}

// java gives the virtual machine's arguments: it is to start quickly rather than to run fast.
func (b *broker) java() []string {
	return []string{
		"-Dlog4j2.configurationFile=" + b.servers.file("log4j2.properties"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Xmx640m", "-cp", filepath.Join(b.servers.jars, "*"),
	}
}

// start starts it, or starts it again, and waits until it answers.
func (b *broker) start(ctx context.Context) error {
	log := filepath.Join(b.dir, "out.log")
	p, err := b.servers.children.launch(fmt.Sprintf("broker %d", b.id), b.dir, log, "java", append(b.java(), "kafka.Kafka", b.conf)...)
	if err != nil {
		return err
	}
	b.process = p
	client, err := kgo.NewClient(kgo.SeedBrokers(b.address), kgo.RetryTimeout(time.Second), kgo.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	return await(ctx, p, func(ctx context.Context) error { return b.serves(ctx, client) })
}

// serves tells whether the cluster knows it as a node that is there. The first must have the topic of committed offsets, which
// is made when first asked for, so that no other node gets a part of it.
func (b *broker) serves(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	known := false
	for _, n := range meta.Brokers {
		known = known || int(n.NodeID) == b.id
	}
	if !known {
		return fmt.Errorf("the cluster does not know broker %d yet", b.id)
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = "chaos", []string{"chaos"}
	found, err := find.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, c := range found.Coordinators {
		if c.ErrorCode != 0 {
			return fmt.Errorf("no coordinator yet: error %d", c.ErrorCode)
		}
	}
	return nil
}

// remove forgets its data; it must not run.
func (b *broker) remove() { _ = os.RemoveAll(b.dir) }
