package windowstest

import (
	"os"
	"testing"
)

// RequireServers is the environment variable that makes a missing server a failure, as in CI.
const RequireServers = "PARCELSENTRY_REQUIRE_SERVERS"

// Server gives the host:port of a real server from an environment variable such as PARCELSENTRY_TEST_REDIS. Without
// it the test is skipped, or fails where RequireServers is set to anything.
func Server(t testing.TB, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" && os.Getenv(RequireServers) != "" {
		t.Fatalf("%s is not set, and %s wants real servers: run deploy/servers/servers.sh start", variable, RequireServers)
	}
	if address == "" {
		t.Skipf("%s is not set: this test needs a real server, see deploy/servers/servers.sh", variable)
	}
	return address
}
