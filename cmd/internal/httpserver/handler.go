package httpserver

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const index = `<!DOCTYPE html>
<html lang="en">
<title>parcelsentry</title>
<h1>parcelsentry</h1>
<ul>
<li><a href="/metrics">metrics</a>
<li><a href="/-/healthy">healthy</a>
<li><a href="/-/ready">ready</a>
</ul>
</html>
`

func (s *Server) handler() http.Handler {
	o := &s.options
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, index) // a client that has gone away is no fault of ours
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		// One collector that fails must not take the other metrics away, least of all now.
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /-/healthy", answer("healthy", o.Healthy))
	mux.HandleFunc("GET /-/ready", answer("ready", o.Ready))
	return mux
}

// answer says the word, or why not.
func answer(word string, check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if check != nil {
			if err := check(); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = fmt.Fprintf(w, "not %s: %v\n", word, err)
				return
			}
		}
		_, _ = fmt.Fprintln(w, word)
	}
}
