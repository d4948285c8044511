// Package httpserver serves what operators and their machines ask a process for: metrics, health, readiness.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say what is served and where.
type Options struct {
	// Address to listen at, such as ":9108"; port 0 takes a free one.
	Address string
	// Registry holds the metrics; required.
	Registry *prometheus.Registry
	// Healthy tells why the process is beyond help and should be started anew, Ready why it can't do its work now; nil
	// functions and nil errors mean that all is well. Calls may overlap; an answer should be quick.
	Healthy, Ready func() error
	// Log gets what an operator should know; nil logs nothing.
	Log *slog.Logger
}

// Server is an HTTP server for:
//
//	/            a short list of what there is
//	/metrics     metrics, in the text, OpenMetrics or protobuf format
//	/-/healthy   200, or 503 with the reason: for a liveness probe
//	/-/ready     200, or 503 with the reason: for a readiness probe
type Server struct {
	options   Options
	listening chan struct{}
	address   string
}

// New makes a server that does nothing until Run.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{options: o, listening: make(chan struct{})}
}

// Listening is closed once the server takes connections.
func (s *Server) Listening() <-chan struct{} { return s.listening }

// Address gives the address it listens at, with the actual port. It is empty before Listening is closed.
func (s *Server) Address() string {
	select {
	case <-s.listening:
		return s.address
	default:
		return ""
	}
}

const (
	// Who does not get a request together in this time is broken or means harm.
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// A scrape of all metrics over a slow line fits in it.
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	// Requests under way at the end get this long.
	shutdownTimeout = 5 * time.Second
	maxHeaderBytes  = 64 << 10
)

// Run serves until ctx ends, lets requests under way finish, and returns nil; or an error where it can't listen or
// serve. Call it once.
func (s *Server) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.Address)
	if err != nil {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn),
	}
	s.address = listener.Addr().String()
	close(s.listening)
	s.options.Log.Info("serving HTTP", "address", s.address)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err = server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.options.Log.Warn("closed HTTP connections with requests under way", "after", shutdownTimeout)
		err = server.Close()
	}
	<-served
	if err != nil {
		return fmt.Errorf("stop serving HTTP: %w", err)
	}
	return nil
}
