package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Host is where all servers listen.
const Host = "127.0.0.1"

// ErrCannotRun is that this machine lacks what the harness needs; the message says what.
var ErrCannotRun = errors.New("can't run")

// Servers starts real servers on loopback, by the files of deploy/servers, on ports that are free.
type Servers struct {
	// Root is the folder of the repository.
	Root string
	// Processes are what it has started; whoever made it closes them.
	Processes *Processes

	dir  string // data and logs
	jars string // of the broker
}

// New looks for the programs that are needed. Data and logs go to dir.
func New(ctx context.Context, dir string, processes *Processes) (*Servers, error) {
	for _, need := range [][2]string{
		{"go", "https://go.dev"}, {"redis-server", "apt-get install redis-server"}, {"java", "apt-get install openjdk-17-jre-headless"},
	} {
		if _, err := exec.LookPath(need[0]); err != nil {
			return nil, fmt.Errorf("%w: %s is missing: %s", ErrCannotRun, need[0], need[1])
		}
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("%w: run it inside the repository: go list: %w", ErrCannotRun, err)
	}
	s := &Servers{Root: strings.TrimSpace(string(root)), Processes: processes, dir: dir}
	cmd := exec.CommandContext(ctx, s.file("servers.sh"), "jars")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrCannotRun, strings.TrimSpace(said.String()))
	}
	s.jars = strings.TrimSpace(string(out))
	return s, nil
}

// Build builds the service into a file, with a build tag unless that is empty.
func (s *Servers) Build(ctx context.Context, binary, tag string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tag, "-o", binary, "./cmd/parcelsentry")
	cmd.Dir = s.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: go build: %s", ErrCannotRun, strings.TrimSpace(string(out)))
	}
	return nil
}

// file names one of deploy/servers.
func (s *Servers) file(name string) string { return filepath.Join(s.Root, "deploy", "servers", name) }

// FreePort gives one that nobody listens at just now.
func FreePort() (int, error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// freePorts gives several, all different. They lie below those that systems choose for connections that go out (Linux from 32768
// on): one of these might take a port before its server does.
func freePorts(n int) (ports []int, err error) {
	const lowest, many, tries = 11_000, 10_000, 1000
	for range tries {
		port := lowest + rand.IntN(many)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(Host, strconv.Itoa(port))); err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports from %d on: %w", n, lowest, err)
}

// configure writes a server's configuration: a file of deploy/servers and more lines, the last of which hold.
func (s *Servers) configure(dir, file string, lines ...string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	base, err := os.ReadFile(s.file(file))
	if err != nil {
		return "", err
	}
	conf := filepath.Join(dir, "server.conf")
	return conf, os.WriteFile(conf, []byte(string(base)+"\n"+strings.Join(lines, "\n")+"\n"), 0o600)
}

// StartTimeout is how long a server may take to answer, on a machine with much else to do.
const StartTimeout = 90 * time.Second

// Await waits until a server answers, and gives up when its process ends.
func Await(ctx context.Context, p *Process, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Ended:
			return fmt.Errorf("%s ended while starting: %w", p.Name, p.Err)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", p.Name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
