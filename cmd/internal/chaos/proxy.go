package chaos

import (
	"bufio"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// tricks say how often a proxy does what to requests and replies: once in so many, 0 for never.
type tricks struct {
	// swallow: the command is done, its reply never comes, and the connection is cut.
	swallow int
	// cut: the connection ends in the middle of a reply.
	cut int
	// slow: a reply comes some milliseconds late.
	slow int
	// late: a reply comes when the client waits no longer.
	late int
	// stale: a request reaches the server when the client has given up and tried again.
	stale int
	// repeat: a request reaches the server twice in a row.
	repeat int
}

// proxy stands between the service and a Redis server, on loopback.
type proxy struct {
	listener net.Listener
	address  string
	patience time.Duration // a client waits no longer
	running  sync.WaitGroup

	mu       sync.Mutex
	random   *rand.Rand
	upstream string
	tricks   tricks
	played   map[string]int // tricks, by name
	open     map[net.Conn]bool
	closed   bool
}

// newProxy begins to listen, and plays no tricks yet. late and stale mean longer than patience.
func newProxy(upstream string, seed uint64, patience time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", testbed.Host+":0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		listener: l, address: l.Addr().String(), patience: patience, upstream: upstream,
		random: rand.New(rand.NewPCG(seed, 2)), played: map[string]int{}, open: map[net.Conn]bool{},
	}
	p.running.Go(p.accept)
	return p, nil
}

// play says what is done from now on.
func (p *proxy) play(t tricks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tricks = t
}

// tricksPlayed is how many were, and of which kinds.
func (p *proxy) tricksPlayed() (all int, by map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	by = map[string]int{}
	for name, n := range p.played {
		all, by[name] = all+n, n
	}
	return all, by
}

// turn sends everybody to another server from now on.
func (p *proxy) turn(upstream string) {
	p.mu.Lock()
	p.upstream = upstream
	p.mu.Unlock()
	p.hangUp()
}

// hangUp ends all connections.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

// close ends the proxy, and waits until it has ended.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.hangUp()
	p.running.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(client) {
			continue
		}
		p.running.Go(func() { p.serve(client) })
	}
}

// keep notes a connection as open; where the proxy is closed it ends it.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// chance tells whether to play a trick now.
func (p *proxy) chance(name string, oneIn func(*tricks) int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := oneIn(&p.tricks)
	if n == 0 || p.random.IntN(n) > 0 {
		return false
	}
	p.played[name]++
	return true
}

// serve carries one connection. What the client has sent reaches the server even if the client is gone by then.
func (p *proxy) serve(client net.Conn) {
	defer p.drop(client)
	p.mu.Lock()
	upstream := p.upstream
	p.mu.Unlock()
	server, err := net.DialTimeout("tcp", upstream, time.Second)
	if err != nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	// A reply for each request, in order; true for one that the client does not expect.
	unasked := make(chan bool, 1<<16)
	var both sync.WaitGroup
	both.Go(func() {
		defer close(unasked)
		p.requests(client, server, unasked)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		p.replies(client, server, unasked)
		_ = client.Close()
		for range unasked { // the requests under way are answered to nobody
		}
	})
	both.Wait()
}

func (p *proxy) requests(client, server net.Conn, unasked chan<- bool) {
	in, out := bufio.NewReader(client), bufio.NewWriter(server)
	var request []byte
	for {
		var err error
		if request, err = readValue(in, request[:0]); err != nil {
			return
		}
		if p.chance("stale", func(t *tricks) int { return t.stale }) {
			_ = out.Flush()
			time.Sleep(2 * p.patience)
		}
		unasked <- false
		_, _ = out.Write(request)
		if p.chance("repeat", func(t *tricks) int { return t.repeat }) {
			unasked <- true
			_, _ = out.Write(request)
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

// replies ends when the client is to be cut off, or nothing more comes.
func (p *proxy) replies(client, server net.Conn, unasked <-chan bool) {
	in, out := bufio.NewReader(server), bufio.NewWriter(client)
	var reply []byte
	for repeated := range unasked {
		var err error
		if reply, err = readValue(in, reply[:0]); err != nil {
			return
		}
		for isPush(reply) {
			_, _ = out.Write(reply)
			if reply, err = readValue(in, reply[:0]); err != nil {
				return
			}
		}
		switch {
		case repeated:
		case p.chance("swallow", func(t *tricks) int { return t.swallow }):
			_ = out.Flush()
			return
		case p.chance("cut", func(t *tricks) int { return t.cut }):
			_, _ = out.Write(reply[:len(reply)/2])
			_ = out.Flush()
			return
		default:
			p.hesitate(out)
			_, _ = out.Write(reply)
		}
		if (in.Buffered() == 0 || len(unasked) == 0) && out.Flush() != nil {
			return
		}
	}
}

// hesitate is slow now and then, or late.
func (p *proxy) hesitate(out *bufio.Writer) {
	const slow = 20 * time.Millisecond
	for _, trick := range []struct {
		name  string
		oneIn func(*tricks) int
		pause time.Duration
	}{
		{"slow", func(t *tricks) int { return t.slow }, slow},
		{"late", func(t *tricks) int { return t.late }, 2 * p.patience},
	} {
		if p.chance(trick.name, trick.oneIn) {
			_ = out.Flush()
			time.Sleep(trick.pause)
		}
	}
}
