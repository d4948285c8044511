package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const host = "127.0.0.1"

// ErrCannotRun is that this machine lacks what the harness needs; the message says what.
var ErrCannotRun = errors.New("can't run")

// servers starts real servers on loopback, by the files of deploy/servers, on ports that are free.
type servers struct {
	root     string // of the repository
	dir      string // data and logs
	jars     string // of the broker
	children *children
}

// newServers looks for the programs that are needed.
func newServers(ctx context.Context, dir string, children *children) (*servers, error) {
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
	s := &servers{root: strings.TrimSpace(string(root)), dir: dir, children: children}
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

// file names one of deploy/servers.
func (s *servers) file(name string) string { return filepath.Join(s.root, "deploy", "servers", name) }

// freePort gives one that nobody listens at just now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// freePorts gives several, all different.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// configure writes a server's configuration: a file of deploy/servers and more lines, the last of which hold.
func (s *servers) configure(dir, file string, lines ...string) (string, error) {
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

// startTimeout is how long a server may take to answer, on a machine with much else to do.
const startTimeout = 90 * time.Second

// await waits until a server answers, and gives up when its process ends.
func await(ctx context.Context, p *child, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended while starting: %w", p.name, p.err)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", p.name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
