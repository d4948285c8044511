package testbed

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

// BrokerOptions say how a broker runs.
type BrokerOptions struct {
	// ID is its number. 1 is the controller and coordinates the groups, too.
	ID int
	// Controller is where broker 1 has it; not needed for that one.
	Controller string
	// JVM are arguments of the virtual machine.
	JVM []string
	// Lines are added to deploy/servers/kafka.properties.
	Lines []string
}

// A Broker is one node of the Kafka cluster.
type Broker struct {
	ID int
	// Address is where clients find it, Controller where other nodes find the cluster's controller.
	Address, Controller string
	Dir                 string
	// Process is nil before the first Start.
	Process *Process

	servers *Servers
	jvm     []string
	conf    string
}

// NewBroker makes a node ready to start, with an empty data folder.
func (s *Servers) NewBroker(ctx context.Context, o BrokerOptions) (*Broker, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	b := &Broker{
		ID: o.ID, Address: fmt.Sprintf("%s:%d", Host, ports[0]), Controller: o.Controller,
		Dir: filepath.Join(s.dir, fmt.Sprintf("kafka-%d", o.ID)), servers: s, jvm: o.JVM,
	}
	roles, listeners := "broker", "PLAINTEXT://"+b.Address
	if o.ID == 1 {
		b.Controller = fmt.Sprintf("%s:%d", Host, ports[1])
		roles, listeners = "broker,controller", listeners+",CONTROLLER://"+b.Controller
	}
	lines := append([]string{
		fmt.Sprintf("node.id=%d", o.ID), "process.roles=" + roles, "listeners=" + listeners,
		"advertised.listeners=PLAINTEXT://" + b.Address, "controller.quorum.voters=1@" + b.Controller, "log.dirs=" + b.data(),
	}, o.Lines...)
	if b.conf, err = s.configure(b.Dir, "kafka.properties", lines...); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(b.data()); err != nil {
		return nil, err
	}
	format := exec.CommandContext(ctx, "java", b.java("kafka.tools.StorageTool", "format", "-c", b.conf, "-t", clusterID)...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the data folder of broker %d: %w\n%s", o.ID, err, out)
	}
	return b, nil
}

func (b *Broker) data() string { return filepath.Join(b.Dir, "data") }

// java gives the arguments that run one of the broker's programs.
func (b *Broker) java(program ...string) []string {
	args := append([]string{"-Dlog4j2.configurationFile=" + b.servers.file("log4j2.properties")}, b.jvm...)
	return append(append(args, "-cp", filepath.Join(b.servers.jars, "*")), program...)
}

// Start starts it, or starts it again, and waits until it answers.
func (b *Broker) Start(ctx context.Context) error {
	log := filepath.Join(b.Dir, "out.log")
	p, err := b.servers.Processes.Launch(nil, fmt.Sprintf("broker %d", b.ID), b.Dir, log, "java", b.java("kafka.Kafka", b.conf)...)
	if err != nil {
		return err
	}
	b.Process = p
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Address), kgo.RetryTimeout(time.Second), kgo.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	return Await(ctx, p, func(ctx context.Context) error { return b.serves(ctx, client) })
}

// serves tells whether the cluster knows it as a node that is there. The first must have the topic of committed offsets, which
// is made when first asked for, so that no other node gets a part of it.
func (b *Broker) serves(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	known := false
	for _, n := range meta.Brokers {
		known = known || int(n.NodeID) == b.ID
	}
	if !known {
		return fmt.Errorf("the cluster does not know broker %d yet", b.ID)
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = "harness", []string{"harness"}
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

// Forget removes its data and keeps its log; it must not run.
func (b *Broker) Forget() { _ = os.RemoveAll(b.data()) }

// Remove removes all that it has written; it must not run.
func (b *Broker) Remove() { _ = os.RemoveAll(b.Dir) }
